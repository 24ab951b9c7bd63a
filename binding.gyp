# What is published. Variables come from scripts/build.mjs:
#   python_include, pybind11_include  folders of headers
#   core_name                         core.cp311 (one core per Python minor version)
{
  "variables": {
    "python_include%": "",
    "python_library%": "",
    "pybind11_include%": "",
    "core_name%": "core",
    "node_addon_api": "<!(node -p \"require('node-addon-api').include_dir\")",
  },
  "target_defaults": {
    "conditions": [
      ["OS=='linux'", {
        "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unused-parameter"],
        # nodelete: a Worker that ends would otherwise unload the addon under its live threads.
        # Bsymbolic-functions: node exports templates of the standard library too, compiled without exceptions.
        "ldflags": ["-Wl,-z,nodelete", "-Wl,-Bsymbolic-functions"],
      }],
      ["OS=='mac'", {
        "xcode_settings": {
          "MACOSX_DEPLOYMENT_TARGET": "11.0",
          "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
          "OTHER_LDFLAGS": ["-undefined", "dynamic_lookup"],
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
      "target_name": "<(core_name)",
      "sources": ["<!@(node -p \"require('./native/sources.json').core.join(' ')\")"],
      "include_dirs": ["native", "<(node_addon_api)", "<(python_include)", "<(pybind11_include)"],
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
        ["OS=='win'", {
          # python3XX.dll is opened by the loader, by absolute path, before the first use.
          "libraries": ["<(python_library)", "delayimp.lib"],
          "msvs_settings": {"VCLinkerTool": {"DelayLoadDLLs": ["<!(node -p \"require('path').basename('<(python_library)', '.lib')\").dll"]}},
        }],
      ],
    },
  ],
}
