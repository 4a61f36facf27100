# SPDX-License-Identifier: GPL-2.0-only
# From lines of peers to one document, a line for each value, and slopes.
include "bench";

def units: reduce rows($rows)[] as $r ({}; .[$r.row] = $r.unit);

def lines: map(tojson) | join(",\n");

. as $results | units as $units
| [$results[] | . + {unit: $units[.row]}] as $all
| [rows($rows)[] | select(.target == "log n") | .row as $row | peers[] | . as $peer
   | curve($results; $row; $peer) | select(length > 1)
   | (first(.[] | select(.[0] >= 1000)) // .[0]) as $from
   | {row: $row, peer: $peer, per_doubling: (per_doubling | digits(3)),
      from: $from[0], to: .[-1][0], ratio: (.[-1][1] / $from[1] | digits(3))}] as $slopes
| "{\"kernel\":\"\($kernel)\",\"results\":[\n\($all | lines)\n],\"slopes\":[\n\($slopes | lines)\n]}"
