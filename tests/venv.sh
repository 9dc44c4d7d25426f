# Sourced by the entry points of the tests.

# The Python side of the tests, once per requirements file.
make_venv() {
  if cmp -s tests/requirements.txt build/venv/requirements.txt; then return 0; fi
  rm -rf build/venv
  /usr/bin/python3 -m venv build/venv &&
    build/venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt &&
    cp tests/requirements.txt build/venv/requirements.txt        # last: an interrupted install is done again
}
