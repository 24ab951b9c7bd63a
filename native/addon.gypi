# The addon, as binding.gyp includes it. Paths are relative to this folder, commands run in the one above. The package
# has this folder and no binding.gyp: package managers would run node-gyp for one. Variables come from
# lib/cli/build-native.ts:
#   python_include, pybind11_include, node_addon_api  folders of headers
#   python_library                                    on Windows: python311.lib
#   core_name                                         core.cp311 (one core per Python minor version)
{
  "variables": {
    "python_include%": "",
    "python_library%": "",
    "pybind11_include%": "",
    "core_name%": "core",
    "node_addon_api%": "",
  },
  "target_defaults": {
    "include_dirs": ["."],
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
    "cflags_cc": ["-std=c++20", "-fexceptions", "-frtti"],
    "xcode_settings": {
      "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
      "GCC_ENABLE_CPP_RTTI": "YES",
      "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
    },
    "msvs_settings": {
      "VCCLCompilerTool": {"ExceptionHandling": 1, "RuntimeTypeInfo": "true"},
    },
    "conditions": [
      ["OS=='linux'", {
        "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unused-parameter"],
        # nodelete: a Worker that ends would otherwise unload the addon under its live threads.
        # Bsymbolic-functions: node exports templates of the standard library too, compiled without exceptions.
        "ldflags": [
          "-Wl,-z,nodelete",
          "-Wl,-Bsymbolic-functions",
          "-Wl,--version-script=../native/exports.map",
        ],
        "configurations": {"Release": {"ldflags": ["-s"]}},
      }],
      ["OS=='mac'", {
        "xcode_settings": {
          "MACOSX_DEPLOYMENT_TARGET": "11.0",
          "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
          "OTHER_LDFLAGS": [
            "-undefined", "dynamic_lookup",
            "-Wl,-exported_symbol,_napi_register_module_v1",
            "-Wl,-exported_symbol,_node_api_module_get_api_version_v1",
          ],
        },
      }],
    ],
  },
  "targets": [
    {
      "target_name": "loader",
      "sources": ["<!@(node -p \"require('./native/sources.json').loader.join(' ')\")"],
      "conditions": [["OS=='linux'", {"libraries": ["-ldl", "-lpthread"]}]],
    },
    {
      "target_name": "shared_memory",
      "sources": ["<!@(node -p \"require('./native/sources.json').shared_memory.join(' ')\")"],
      "include_dirs": ["<(node_addon_api)"],
      "conditions": [["OS=='linux'", {"libraries": ["-lpthread"]}]],
    },
    {
      # What needs no Python.h: compiled once for all cores.
      "target_name": "common",
      "type": "static_library",
      "sources": ["<!@(node -p \"require('./native/sources.json').common.join(' ')\")"],
      "include_dirs": ["<(node_addon_api)"],
    },
    {
      "target_name": "<(core_name)",
      "dependencies": ["common"],
      "sources": ["<!@(node -p \"require('./native/sources.json').core.join(' ')\")"],
      "include_dirs": ["<(node_addon_api)", "<(python_include)", "<(pybind11_include)"],
      # pybind11 would export some of its own.
      "defines": ["PYBIND11_EXPORT="],
      "conditions": [
        # An ordinary import: Py_None and the like are data, which can't be delay-loaded. The loader has opened
        # python3XX.dll by absolute path before the core is loaded, so that Windows finds that one by its name.
        ["OS=='win'", {"libraries": ["<(python_library)"]}],
      ],
    },
  ],
}
