# SPDX-License-Identifier: GPL-2.0-only
# What the table, the comparison and the plots have in common.

def trim: gsub("^ +| +$"; "");

# The file 'rows', an object each
def rows($text):
  [$text | split("\n")[] | select(test("^[a-z]")) | split("|") | map(trim)
   | {row: .[0], unit: .[1], target: .[2], what: .[3]}];

def peers: ["ours", "in-tree", "type1", "floor"];

def left($width): tostring | . + " " * ([$width - length, 0] | max) // .;
def right($width): tostring | (" " * ([$width - length, 0] | max) // "") + .;

# Numbers for people: none has more than four digits that mean something.
def digits($n): . * pow(10; $n) | round / pow(10; $n);
def thousands:
  tostring | until(test("[0-9]{4}(,|$)") | not; sub("(?<a>[0-9])(?<b>[0-9]{3})(?<c>,|$)"; "\(.a),\(.b)\(.c)"));
def number:
  if . == null then "–"
  elif . >= 1000 or . <= -1000 then round | thousands
  elif . >= 100 then digits(1) | tostring
  else digits(2) | tostring end;
def ratio($a; $b):
  if $a == null or $b == null or $b <= 0 then "–"
  else ($a / $b | digits(if $a / $b < 0.1 then 3 else 2 end) | tostring) end;

def value($results; $row; $peer):
  first($results[] | select(.row == $row and .peer == $peer and .x == null) | .value) // null;

# The points of a curve that have a value, [[x, value]...]
def curve($results; $row; $peer):
  [$results[] | select(.row == $row and .peer == $peer and .x != null and .value != null)
   | [.x, .value]] | sort;

# Least squares of the value against log2 of x: what a doubling adds
def per_doubling:
  map([(.[0] | log2), .[1]]) as $points | ($points | length) as $n
  | ($points | map(.[0]) | add / $n) as $x | ($points | map(.[1]) | add / $n) as $y
  | ($points | map((.[0] - $x) * (.[1] - $y)) | add)
    / ($points | map((.[0] - $x) * (.[0] - $x)) | add);
