#!/bin/sh
# musiclab on a machine with The Littlest JupyterHub: run it as root, once, and again after an update.
#   sh install.sh                            the newest musiclab
#   sh install.sh /media/usb/bundle          from an offline bundle (musiclab bundle)
set -eu
SCHOOL="${MUSICLAB_SCHOOL:-/srv/musiclab}"
HERE="$(cd "$(dirname "$0")" && pwd)"
PYTHON="${PYTHON:-python3}"

mkdir -p "$SCHOOL/store" "$SCHOOL/exchange" "$SCHOOL/songs"
[ -x "$SCHOOL/env/bin/python" ] || "$PYTHON" -m venv "$SCHOOL/env"
if [ -n "${1:-}" ]; then
    "$SCHOOL/env/bin/python" -m pip install --no-index --find-links "$1/wheels" "musiclab[batch]"
else
    "$SCHOOL/env/bin/python" -m pip install "musiclab[batch]"
fi
"$SCHOOL/env/bin/python" -m ipykernel install --prefix "$SCHOOL/env" --name musiclab --display-name "musiclab"

# All may read; the exchange is written by the GPU's queue and read by all.
chmod -R a+rX "$SCHOOL"
chmod 1777 "$SCHOOL/exchange"

# The store is filled once, with what the lessons need, and then nobody writes to it.
MUSICLAB_CACHE="$SCHOOL/store" MUSICLAB_CACHE_LIMIT=1TB "$SCHOOL/env/bin/musiclab" demo --out "$SCHOOL/songs/demo"
chmod -R a+rX "$SCHOOL/store"

if [ -d /opt/tljh/config ]; then
    mkdir -p /opt/tljh/config/jupyterhub_config.d
    cp "$HERE/musiclab.py" /opt/tljh/config/jupyterhub_config.d/musiclab.py
    tljh-config reload hub
fi
if command -v systemctl >/dev/null && [ -d /etc/systemd/system ]; then
    cp "$HERE/musiclab-scheduler.service" "$HERE/musiclab-worker@.service" /etc/systemd/system/
    systemctl daemon-reload
    echo "The queue: systemctl enable --now musiclab-scheduler musiclab-worker@0   (a worker for each GPU)"
fi
