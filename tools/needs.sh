# Sourced by tools/test and tools/quickstart: sees to it that what the build needs is there.
# Needs: a Rust toolchain (rustup.rs), a C compiler, cmake and nasm (they build libjpeg-turbo); with LibTorch, which the
# caller asks for in the list `needs`, a C++ compiler and Python's pip too.

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

[ -v needs ] || needs=(cc cmake nasm)
declare -A packages_of=([cc]=build-essential [c++]=g++ [cmake]=cmake [nasm]=nasm [pip]="python3 python3-pip")
has() {
    case "$1" in
        pip) python3 -m pip --version >/dev/null 2>&1 ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}
missing=()
for tool in "${needs[@]}"; do
    has "$tool" || missing+=("$tool")
done

if ! command -v cargo >/dev/null 2>&1; then
    echo "cargo is not on the PATH: install a Rust toolchain (1.95 or newer) from https://rustup.rs and run this again." >&2
    exit 1
fi

if [ "${#missing[@]}" -gt 0 ]; then
    packages=()
    for tool in "${missing[@]}"; do packages+=(${packages_of[$tool]}); done
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
        say "installing ${packages[*]}"
        "${as_root[@]}" apt-get update -qq
        DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    else
        echo "Missing: ${missing[*]}. Install them and run this again, on Debian or Ubuntu with:" >&2
        echo "    sudo apt-get install ${packages[*]}" >&2
        exit 1
    fi
fi
