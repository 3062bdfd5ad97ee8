#!/bin/sh
# Looks for each test that docs/faults.md names. Run in the project's root.
set -eu

all=$(grep -rhoE 'TEST(_F|_P)?\(\w+, *\w+\)' tests --include='*.cc' |
  sed -E 's/TEST(_F|_P)?\((\w+), *(\w+)\)/\2.\3/')
missing=0
for name in $(grep -oE '`[A-Z][A-Za-z]+Test\.\w+`' docs/faults.md | tr -d '`' | sort -u); do
  printf '%s\n' "$all" | grep -qx "$name" && continue
  echo "docs/faults.md names '$name', and there is no such test" >&2
  missing=1
done
exit $missing
