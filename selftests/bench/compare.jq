# SPDX-License-Identifier: GPL-2.0-only
# Two of results.json, $stored and the input: what moved by more than 1 %, and a
# last line: how many got worse, of ours, how many are not there any more, and how
# many were compared.
include "bench";

def key: "\(.peer) \(.row)\(if .x then " at \(.x | thousands)" else "" end)";

# The patterns of rows that were to be measured, as regular expressions
def globs: $patterns | split(" ") | map(select(. != "")
  | "^" + gsub("\\*"; ".*") + "$");
def was_wanted: . as $r
  | (globs | length == 0 or any(. as $glob | $r.row | test($glob)))
    and ($r.peer as $peer | ($measured | split(" ")) | index($peer) != null)
    and ((.row | startswith("grow_") | not) or .x <= ($areas | tonumber));

(reduce .results[] as $r ({}; .[$r | key] = $r.value)) as $new
| [$stored[0].results[] | select(.value != null and was_wanted)
   | . + {key: key} | . + {new: $new[.key]}
   | . + {moved: (if .new == null then null
                  elif .value == 0 then (if .new == 0 then 0 else 100 end)
                  else (.new - .value) / .value * 100 end)}] as $all
| ($all[] | select(.moved == null) | "\(.key | left(44)) \(.value | number | right(12))  is not measured any more"),
  ($all[] | select(.moved != null and (.moved > 1 or .moved < -1))
   | "\(.key | left(44)) \(.value | number | right(12)) -> \(.new | number | right(12))  \(.moved | digits(1))%"
     + if .moved > 1 then " WORSE" else "" end),
  "\([$all[] | select(.peer == "ours" and .moved != null and .moved > 1)] | length) of ours worse, \([$all[] | select(.moved == null)] | length) missing, \([$all[] | select(.moved != null)] | length) compared"
