# SPDX-License-Identifier: GPL-2.0-only
# results.json as tables for people.
include "bench";

def columns($widths):
  . as $cells | [range(length) as $i | $cells[$i]
    | if $i == 0 then left($widths[$i]) else right($widths[$i]) end] | join(" ")
  | sub(" +$"; "");

def values($results; $row): [peers[] as $peer | value($results; $row; $peer)];

# What the target is as a number, if it is known
def limit($results; $spec):
  ($spec.target | split(" ")) as $words
  | if $spec.target == "" then null
    elif ($words | length) == 1 then ($words[0] | tonumber)
    else (if $words[1] == "floor" then value($results; $spec.row; "floor")
          else value($results; $words[1]; "ours") end)
      | if . == null then null else . * ($words[0] | tonumber) end
    end;

# Less than a third of a percent is within what boots differ by.
def slower($ours; $peer): $ours != null and $peer != null and $ours > $peer * 1.003;

def verdict($v; $limit; $unit):
  (if $unit == "bytes" then "MORE" else "SLOWER" end) as $worse
  | [if $v[0] == null then empty
   elif $limit == null then empty
   elif $v[0] <= $limit then "met" else "MISSED" end,
   if slower($v[0]; $v[1]) then "\($worse) than in-tree" else empty end,
   if slower($v[0]; $v[2]) then "\($worse) than type1" else empty end] | join(", ");

def widths: [28, 10, 10, 10, 10, 8, 8, 8, 9, 1];

def table($results):
  (["row", "ours", "in-tree", "type1", "floor", "/in-tree", "/type1", "/floor", "target", " "]
   | columns(widths)),
  (rows($rows)[] as $spec | values($results; $spec.row) as $v | select($v | any)
   | limit($results; $spec) as $limit
   | [$spec.row, ($v[] | number), ratio($v[0]; $v[1]), ratio($v[0]; $v[2]),
      ratio($v[0]; $v[3]), (if $limit then $limit | number else "" end)]
   | columns(widths) + "  " + verdict($v; $limit; $spec.unit) | sub(" +$"; ""));

def slope($slopes; $row; $peer):
  first($slopes[] | select(.row == $row and .peer == $peer)) // null
  | if . == null or .from == .to then ""
    else "\(if .per_doubling < 0 then "" else "+" end)\(.per_doubling | number) a doubling, x \(.ratio) from \(.from | thousands) to \(.to | thousands)"
      + if .ratio <= (.to | log2) / (.from | log2) then "" else ": FASTER than log n" end
    end;

def cell($results; $row; $peer; $x; $scale):
  first($results[] | select(.row == $row and .peer == $peer and .x == $x)) // null
  | if . == null then "" elif .value == null then .why else .value / $scale | number end;

# One line for each peer, one column for each x
def curves($title; $results; $slopes; $names; $scale; name):
  ([$results[] | select(.x != null and (.row as $r | $names | index($r))) | .x] | unique) as $xs
  | select($xs | length > 0)
  | ([28, 8] + [$xs[] | 12]) as $widths
  | "", $title, ((["row", "peer"] + [$xs[] | name]) | columns($widths)),
    ($names[] as $row | peers[] as $peer
     | select([$results[] | select(.row == $row and .peer == $peer and .x != null)] | length > 0)
     | ([$row, $peer] + [$xs[] as $x | cell($results; $row; $peer; $x; if $scale then $x / 4096 else 1 end)])
     | columns($widths) + "  " + slope($slopes; $row; $peer) | sub(" +$"; ""));

def bytes:
  if . >= 1099511627776 then "\(. / 1099511627776) TiB" elif . >= 1073741824 then "\(. / 1073741824) GiB"
  elif . >= 1048576 then "\(. / 1048576) MiB" else "\(. / 1024) KiB" end;

.results as $results | .slopes as $slopes
| [rows($rows)[] | select(.target == "log n") | .row] as $growing
| "kernel \(.kernel); instructions a unit, or bytes", table($results),
  curves("with so many areas in place"; $results; $slopes; $growing; false; thousands),
  curves("in one request of so much, a 4K page"; $results; []; ["size_map", "size_unmap"]; true; bytes)
