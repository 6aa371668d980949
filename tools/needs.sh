# Sourced by the other scripts here.
#
#   say WORDS...     prints a heading
#   need TOOL...     makes sure that these tools are installed: installs them with apt where it has permission, and
#                    otherwise prints what to install and returns 1

say() {
    if [ -t 1 ]; then printf '\n\033[1m== %s\033[0m\n' "$*"; else printf '\n== %s\n' "$*"; fi
}

is_installed() {
    case "$1" in
        pip) python3 -m pip --version >/dev/null 2>&1 ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# The Debian packages of a tool.
packages_of() {
    case "$1" in
        cc) echo build-essential ;;
        c++) echo g++ ;;
        pip) echo python3 python3-pip ;;
        aarch64-linux-gnu-gcc) echo gcc-aarch64-linux-gnu ;;
        aarch64-linux-gnu-g++) echo g++-aarch64-linux-gnu ;;
        *) echo "$1" ;;
    esac
}

need() {
    local tool missing=() packages=() as_root=()
    for tool in "$@"; do
        is_installed "$tool" || missing+=("$tool")
    done
    if [[ " ${missing[*]} " == *" cargo "* ]]; then
        echo "cargo is not on the PATH. Install Rust 1.95 or newer from https://rustup.rs and run this again." >&2
        return 1
    fi
    [ "${#missing[@]}" -gt 0 ] || return 0
    for tool in "${missing[@]}"; do
        # shellcheck disable=SC2207 # no package's name holds a space
        packages+=($(packages_of "$tool"))
    done
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    if ! command -v apt-get >/dev/null 2>&1 || { [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; }; then
        echo "Missing: ${missing[*]}. Install them and run this again. On Debian or Ubuntu:" >&2
        echo "    sudo apt-get install ${packages[*]}" >&2
        return 1
    fi
    say "installing ${packages[*]}"
    "${as_root[@]}" apt-get update -qq || true # an outdated list may do
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}
