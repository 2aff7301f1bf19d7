#!/bin/sh
# macOS: a double click installs musiclab
cd "$(dirname "$0")" && sh install.sh
