#!/usr/bin/env bash
# Gradescope runs this once, as root and with a network, when it makes the autograder's image.
#
# With WORKBOOK_PYTHON=/path/to/python, an image of your own brings a Python that has all that
# requirements.txt names; then only the grader itself is installed, and no network is needed.
set -euo pipefail

python=3.12
torch=2.13.0
source=/autograder/source
folder=/opt/autograder

umask 022
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
if [ -z "${WORKBOOK_PYTHON:-}" ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  apt-get install -y bubblewrap libseccomp2 software-properties-common
  # The versions in requirements.txt are for this Python; Ubuntu has another one of its own.
  if ! command -v "python$python" > /dev/null; then
    add-apt-repository -y ppa:deadsnakes/ppa
    apt-get install -y "python$python"
  fi
  apt-get install -y "python$python-venv"
  "python$python" -m venv "$folder"
  # First and exactly this one: another build brings gigabytes of libraries for GPUs.
  "$folder/bin/pip" install --index-url https://download.pytorch.org/whl/cpu "torch==$torch"
  "$folder/bin/pip" install --requirement "$source/requirements.txt"
  WORKBOOK_PYTHON=$folder/bin/python
fi
"$WORKBOOK_PYTHON" -m pip install --no-deps --no-index --ignore-installed "$source"/*.whl
echo "$WORKBOOK_PYTHON" > "$source/python"
chmod -R go= "$source"

# The reference is run now, so that no submission waits for it; a broken one ends the build here.
cd /
"$WORKBOOK_PYTHON" -I -m autograder.gradescope.prepare
