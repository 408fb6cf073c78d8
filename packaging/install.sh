#!/bin/sh
# Installs the executable of Camellia for this machine, for this user alone, and asks nothing.
#
#   CAMELLIA_URL   where the release is: a folder with SHA256SUMS and the archives
#   CAMELLIA_BIN   the folder for the executable (default ~/.local/bin)
#
# Everything is fetched into a new folder beside the executable and checked there; the last step is one
# rename. If anything fails before it, what was installed before is as it was.
set -eu

fail() {
  echo "camellia: Cannot install: $1" >&2
  exit 1
}

fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 2 -o "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" "$1"
  else
    fail "neither curl nor wget is there"
  fi || fail "$1 cannot be fetched"
}

sum_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1" | cut -d ' ' -f 1
  else
    shasum -a 256 "$1" | cut -d ' ' -f 1
  fi
}

target_here() {
  case "$(uname -s)" in
    Linux)
      [ ! -e /etc/alpine-release ] || fail "Deno has no build for musl: use the Dockerfile"
      system=linux
      ;;
    Darwin) system=macos ;;
    *) fail "$(uname -s) is none of Linux and macOS; for Windows there is an archive" ;;
  esac
  case "$(uname -m)" in
    x86_64 | amd64) echo "$system-x64" ;;
    aarch64 | arm64) echo "$system-arm64" ;;
    *) fail "there is no executable for $(uname -m)" ;;
  esac
}

# A function, so that half of this script, as a broken download leaves it, does nothing.
main() {
  url=${CAMELLIA_URL:-RELEASE_URL}
  case "$url" in
    https://* | http://127.0.0.1:*) ;;
    *) fail "CAMELLIA_URL must be the https address of a release" ;;
  esac
  bin=${CAMELLIA_BIN:-$HOME/.local/bin}
  target=$(target_here)
  mkdir -p "$bin"
  temporary=$(mktemp -d "$bin/.camellia-install.XXXXXX")
  trap 'rm -rf "$temporary"' EXIT
  trap 'exit 130' INT HUP TERM
  fetch "$url/SHA256SUMS" "$temporary/SHA256SUMS"
  # A line is the sum, two blanks, the name.
  line=$(grep -E "^[0-9a-f]{64}  camellia-[0-9A-Za-z.+-]+-$target\.tar\.gz\$" "$temporary/SHA256SUMS") ||
    fail "the release has nothing for $target"
  [ "$(printf '%s\n' "$line" | wc -l)" -eq 1 ] || fail "the release names several archives for $target"
  wanted=${line%% *}
  archive=${line##* }
  fetch "$url/$archive" "$temporary/archive.tar.gz"
  [ "$(sum_of "$temporary/archive.tar.gz")" = "$wanted" ] ||
    fail "$archive is not what SHA256SUMS says"
  mkdir "$temporary/unpacked"
  tar -xzf "$temporary/archive.tar.gz" -C "$temporary/unpacked"
  [ -f "$temporary/unpacked/camellia" ] || fail "$archive has no executable"
  chmod 755 "$temporary/unpacked/camellia"
  version=$("$temporary/unpacked/camellia" --version) || fail "the executable does not run here"
  mv -f "$temporary/unpacked/camellia" "$bin/camellia"
  echo "Installed Camellia $version as $bin/camellia"
  case ":$PATH:" in
    *":$bin:"*) ;;
    *) echo "$bin is not in PATH: add it, or say the whole path" ;;
  esac
}

main
