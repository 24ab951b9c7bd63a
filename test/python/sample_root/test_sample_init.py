"""``init``: what it refuses, where results go, and the models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

RUN = """
from shared.api import init
session = init({arguments})
result = session.run_task({settings})
assert result.success, result.errors
print(result.generated_files[0])
"""


def run_code(tiny, arguments: str) -> str:
    return RUN.format(arguments=arguments, settings=tiny())


def test_importing_shared_api_imports_no_library(script):
    code = "import sys, shared.api; print(sorted({'numpy', 'PIL', 'av', 'torch'} & set(sys.modules)))"
    assert script(code) == "[]"


def test_outputs_go_below_the_working_directory_of_init(script, tiny, tmp_path):
    path = script(run_code(tiny, "console_output=False"))
    assert Path(path).parent == tmp_path / "outputs"


def test_outputs_go_where_the_configuration_says(script, tiny, tmp_path):
    config = tmp_path / "conf" / "wgp_config.json"
    config.parent.mkdir()
    root = tmp_path / "root"
    root.mkdir()
    config.write_text(json.dumps({"save_path": "made/videos", "image_save_path": str(tmp_path / "pictures")}))
    arguments = f"root={str(root)!r}, config_path={str(config)!r}, console_output=False"
    assert Path(script(run_code(tiny, arguments))).parent == root / "made" / "videos"
    image = script(RUN.format(arguments=arguments, settings=tiny(image_mode=1)))
    assert Path(image).parent == tmp_path / "pictures"
    assert Path(script(run_code(tiny, arguments + ", output_dir='here'"))).parent == tmp_path / "here"


def test_printed_lines_reach_the_console_unless_switched_off(script, tiny):
    assert "New video saved to Path: " in script(run_code(tiny, ""))
    assert "saved" not in script(run_code(tiny, "console_output=False"))


def test_a_configuration_that_is_no_json_raises_a_runtime_error_that_names_it(script, tmp_path):
    (tmp_path / "wgp_config.json").write_text("{")
    code = "from shared.api import init\ntry:\n    init(config_path='wgp_config.json')\n"
    code += "except RuntimeError as error: print(error)"
    assert "wgp_config.json" in script(code)


def test_sample_exit_makes_init_exit_with_its_code(script):
    code = "from shared.api import init\ntry:\n    init(cli_args=['--sample-exit', '2'])\n"
    assert script(code + "except SystemExit as e: print(e.code)") == "2"


def test_init_refuses_wrong_arguments_and_another_root_configuration_or_flag(session, tmp_path):
    from shared.api import init

    with pytest.raises(ValueError, match=r"wgp_config\.json"):
        init(config_path=tmp_path / "other.json")
    with pytest.raises(FileNotFoundError):
        init(root=tmp_path / "missing")
    for wrong in ({"root": 3}, {"cli_args": "--attention"}, {"cli_args": [3]}, {"webui_state": []}):
        with pytest.raises(TypeError):
            init(**wrong)
    for other in ({"root": tmp_path}, {"cli_args": ["--x"]}, {"config_path": tmp_path / "wgp_config.json"}):
        with pytest.raises(RuntimeError, match=next(iter(other))):
            init(**other)


def test_a_second_init_may_name_another_output_dir_and_files_go_there(session, tiny, tmp_path):
    from shared.api import init

    path = init(output_dir=tmp_path / "else", console_output=False).run_task(tiny()).generated_files[0]
    assert Path(path).parent == tmp_path / "else"


def test_web_state_ignores_output_dir_and_captures_nothing(session, tiny, tmp_path, monkeypatch, capsys):
    from shared.api import init

    monkeypatch.chdir(tmp_path)
    web = init(webui_state={}, output_dir=tmp_path / "else", console_output=False)
    job = web.submit_task(tiny())
    assert "stream" not in [event.kind for event in job.events.iter()]
    assert Path(job.result().generated_files[0]).parent == tmp_path / "outputs"


def test_models_are_listed_with_definitions_and_default_settings_and_unknown_ones_are_refused(session, tiny):
    models = session.list_model_defs()
    assert {"ltx2_22B_distilled", "qwen_image_20B", "ace_step_v1_5"} <= {model["model_type"] for model in models}
    for model in models:
        assert session.get_model_def(model["model_type"]) == model
        assert {"name", "architecture", "description", "fps", "outputs", "defaults"} <= set(model)
    settings = session.get_default_settings("ltx2_22B_distilled")
    assert (settings["resolution"], settings["video_length"], settings["num_inference_steps"]) == (
        "640x384",
        49,
        8,
    )
    settings["resolution"] = "changed"
    assert session.get_default_settings("ltx2_22B_distilled")["resolution"] == "640x384"
    assert session.get_model_def("nope") is None
    with pytest.raises(ValueError, match="ltx2_22B_distilled"):
        session.get_default_settings("nope")
    assert session.ensure_ready() is session
