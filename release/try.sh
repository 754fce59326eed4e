#!/usr/bin/env bash
# npm run pack:try: the package as a team has it. Made, installed into an empty folder by the npm and the Node of this machine with no install
# script allowed, and asked for what a newcomer asks for: its version, a feed, and the recommender in a Supabase project.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

npm run --silent pack
archive=$(ls -t "$root"/recsys-*.tgz | head -n 1)
if tar tzf "$archive" | grep -E "\\.test\\.|/testing|node_modules"; then echo "The package has what only tests use."; exit 1; fi
size=$(stat -c %s "$archive")
[ "$size" -lt 2500000 ] || { echo "The package has grown to $size bytes."; exit 1; }

# another folder, so that nothing of this checkout is found
node release/tiny-community.ts "$folder/community"
mkdir -p "$folder/app/supabase"
touch "$folder/app/supabase/config.toml"
cd "$folder/app"
echo '{ "private": true }' >package.json
npm install --ignore-scripts --no-audit --no-fund --loglevel=error "$archive"
(
  export PATH=${PATH//"$root/node_modules/.bin:"/}
  echo "recsys $(npx recsys --version) on Node $(node --version)"
  npx recsys start --exit --port 0 --data ../community | tee ../said
  grep -q '^feed of user ' ../said
  npx recsys init --into .
)
# what the package brought is what this checkout would bring
cp -r supabase ../brought
node "$root/cli/cli.ts" init --into .
diff -r supabase ../brought
