#!/bin/sh
# Makes init-x64.bin and init-arm64.bin from the sources beside this script, the same bytes on every run with the same compiler.
# usage: build.sh [DIRECTORY]      where to put them; the default is here, and then init.built is written too
# A compiler that is missing is said and skipped (Debian: gcc, gcc-aarch64-linux-gnu).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=${1:-$here}
to=$(cd "$to" && pwd)
cd "$here"

flags="-std=gnu11 -Os -Wall -Wextra -Werror -ffreestanding -fno-builtin -fno-stack-protector -fno-pic -fno-pie -fno-asynchronous-unwind-tables
 -fno-unwind-tables -fno-ident -fno-tree-loop-distribute-patterns -ffunction-sections -fdata-sections -nostdlib -nostartfiles -static -no-pie
 -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noseparate-code -Wl,-z,norelro -Wl,-z,noexecstack -Wl,-s"

make() {
    if ! command -v "$1" >/dev/null; then
        echo "skipped $2: $1 is not installed" >&2
        return 0
    fi
    # shellcheck disable=SC2086
    "$1" $flags $3 -o "$to/$2" init.c
    chmod 755 "$to/$2"
}

make "${CC_X64:-x86_64-linux-gnu-gcc}" init-x64.bin "-mno-sse -fcf-protection=none"
make "${CC_ARM64:-aarch64-linux-gnu-gcc}" init-arm64.bin "-mgeneral-regs-only -mno-outline-atomics"

if [ "$to" = "$here" ]; then
    {
        echo "sources $(cat ./*.h ./*.c ./build.sh | sha256sum | cut -d' ' -f1)"
        "${CC_X64:-x86_64-linux-gnu-gcc}" --version | head -n 1 | sed 's/^[^ ]*/compiler/'
    } >init.built
fi
