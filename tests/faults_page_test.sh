#!/bin/sh
# Looks for each test that docs/faults.md names, and at each row that isn't open for a test with the
# row's name in its own, or for fuzz targets. Run in the project's root.
set -eu

all=$(grep -rhoE 'TEST(_F|_P)?\(\w+, *\w+\)' tests --include='*.cc' |
  sed -E 's/TEST(_F|_P)?\((\w+), *(\w+)\)/\2.\3/')
missing=0
for name in $(grep -oE '`[A-Z][A-Za-z]+Test\.\w+`' docs/faults.md | tr -d '`' | sort -u); do
  printf '%s\n' "$all" | grep -qx "$name" && continue
  echo "docs/faults.md names '$name', and there is no such test" >&2
  missing=1
done
for row in $(sed -nE 's/^\| ([A-Z][0-9]+(, [A-Z][0-9]+)*) \|.*/\1/p' docs/faults.md | tr -d ' ' | tr ',' '\n'); do
  line=$(grep -E "^\| ([A-Z][0-9]+, )*$row(, [A-Z][0-9]+)* \|" docs/faults.md)
  printf '%s\n' "$line" | cut -d '|' -f 4 | grep -qi '^ *open' && continue
  printf '%s\n' "$line" | grep -q '| fuzz targets ' && continue
  printf '%s\n' "$line" | grep -oE '`[A-Z][A-Za-z]+Test\.\w+`' | grep -qE "[._]$row([^0-9]|$)" && continue
  echo "docs/faults.md names no test of $row" >&2
  missing=1
done
exit $missing
