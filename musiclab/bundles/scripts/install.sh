#!/bin/sh
# musiclab for Python @PYTHON@ on @SYSTEM@, with no network:   sh install.sh [FOLDER]
# Installs into FOLDER (by default ~/musiclab); PYTHON=/path/to/python@PYTHON@ names another Python.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
target="${1:-$HOME/musiclab}"
python="${PYTHON:-python@PYTHON@}"

command -v "$python" >/dev/null 2>&1 || python=python3
"$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@PYTHON@")' 2>/dev/null ||
    { echo "This bundle needs Python @PYTHON@: install it, or name it with PYTHON=..." >&2; exit 1; }
cd "$here"
if command -v sha256sum >/dev/null 2>&1; then sums="sha256sum"; else sums="shasum -a 256"; fi
echo "Checking the files."
$sums -c SHA256SUMS >/dev/null || { echo "The bundle is damaged: copy it again." >&2; exit 1; }

echo "Installing into $target: some minutes."
"$python" -m venv "$target"
"$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --no-index \
    --find-links "$here/wheels" "@WANTED@"
if [ -d "$here/store" ]; then cp -R "$here/store" "$target/"; fi
if [ -d "$here/songs" ]; then cp -R "$here/songs" "$target/"; fi
cat > "$target/musiclab" <<END
#!/bin/sh
# musiclab, with the weights that came with it
export MUSICLAB_CACHE_SHARED="$target/store\${MUSICLAB_CACHE_SHARED:+:\$MUSICLAB_CACHE_SHARED}"
exec "$target/bin/musiclab" "\$@"
END
chmod 755 "$target/musiclab"
echo "Done. The lessons: $target/musiclab lab      A first song: $target/musiclab demo"
