"""Tells what binaries are, as JSON: `describe_binaries.py FILE...`. LIEF reads those of every platform.

For each file (null where it is no binary): its platform in Node's words, what it exports, the libraries that it
asks for, what it imports from none in particular (`imports`), the symbol versions that it asks for, and whether it
has symbols of its own.
"""

import json
import sys
from typing import Any

import lief

lief.logging.disable()  # it says on stdout what it reads

PROCESSORS = {
    lief.ELF.ARCH.X86_64: "linux-x64",
    lief.ELF.ARCH.AARCH64: "linux-arm64",
    lief.PE.Header.MACHINE_TYPES.AMD64: "win32-x64",
    lief.MachO.Header.CPU_TYPE.ARM64: "darwin-arm64",
    lief.MachO.Header.CPU_TYPE.X86_64: "darwin-x64",
}


def is_local(symbol: lief.MachO.Symbol) -> bool:
    """Whether a symbol of macOS is defined in its binary for that binary alone; the linker's own thunks stay."""
    defined, external = symbol.raw_type & 0x0E == 0x0E, symbol.raw_type & 0x01
    return bool(defined and not external) and not str(symbol.name).endswith("__thunk")


def describe_elf(binary: lief.ELF.Binary) -> dict[str, Any]:
    """Describes a binary of Linux."""
    versions = {
        version.name
        for requirement in binary.symbols_version_requirement
        for version in requirement.get_auxiliary_symbols()
    }
    flags = binary.get(lief.ELF.DynamicEntry.TAG.FLAGS_1)
    return {
        "platform": PROCESSORS.get(binary.header.machine_type),
        "exports": [str(symbol.name) for symbol in binary.exported_symbols],
        "libraries": [str(library) for library in binary.libraries],
        "imports": [
            str(symbol.name)
            for symbol in binary.imported_symbols
            if symbol.symbol_version is None or symbol.symbol_version.symbol_version_auxiliary is None
        ],
        "versions": sorted(versions),
        "stripped": len(list(binary.symtab_symbols)) == 0,
        "staysLoaded": isinstance(flags, lief.ELF.DynamicEntryFlags)
        and lief.ELF.DynamicEntryFlags.FLAG.NODELETE in flags,
    }


def describe_pe(binary: lief.PE.Binary) -> dict[str, Any]:
    """Describes a binary of Windows."""
    export = binary.get_export()
    has_symbols = len(list(binary.symbols)) > 0 or any(isinstance(entry, lief.PE.CodeView) for entry in binary.debug)
    return {
        "platform": PROCESSORS.get(binary.header.machine),
        "exports": [] if export is None else [str(entry.name) for entry in export.entries],
        "libraries": [str(library.name) for library in binary.imports],
        "imports": [],
        "versions": [],
        "stripped": not has_symbols,
    }


def describe_macho(binary: lief.MachO.Binary) -> dict[str, Any]:
    """Describes a binary of macOS."""
    system = binary.build_version
    # A weak binding is to a definition of the binary's own, unless another library has it too.
    weak = lief.MachO.DyldBindingInfo.CLASS.WEAK
    imports = [
        str(info.symbol.name)
        for info in binary.bindings
        if info.has_symbol and not info.has_library and getattr(info, "binding_class", None) != weak
    ]
    exports = binary.dyld_exports_trie or binary.dyld_info
    itself = [command.name for command in binary.commands if command.command == lief.MachO.LoadCommand.TYPE.ID_DYLIB]
    return {
        "platform": PROCESSORS.get(binary.header.cpu_type),
        "exports": [str(info.symbol.name).removeprefix("_") for info in exports.exports] if exports else [],
        "libraries": [str(library.name) for library in binary.libraries if library.name not in itself],
        "imports": sorted({name.removeprefix("_") for name in imports}),
        "versions": [] if system is None else [f"macOS_{'.'.join(map(str, system.minos[:2]))}"],
        "stripped": not any(is_local(symbol) for symbol in binary.symbols),
        "signed": binary.has_code_signature,
    }


def describe(file: str) -> dict[str, Any] | None:
    """Describes one file; None where it is no binary."""
    binary = lief.parse(file)
    if isinstance(binary, lief.ELF.Binary):
        return describe_elf(binary)
    if isinstance(binary, lief.PE.Binary):
        return describe_pe(binary)
    if isinstance(binary, lief.MachO.Binary):
        return describe_macho(binary)
    return None


print(json.dumps({file: describe(file) for file in sys.argv[1:]}))
