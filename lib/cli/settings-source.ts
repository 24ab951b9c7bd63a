import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildVirtualMediaPath, type Settings, type TaskList, WanGPError } from '../index';
import { PACKAGE_ROOT } from '../runtime/package';

/** What a submit takes. */
export type Source = Settings | TaskList | readonly Settings[] | string;

const MEDIA_FOLDER = path.join(PACKAGE_ROOT, 'examples', 'media');

/** The settings of the demo: a start picture, 31 frames of a guide clip, and media returned in memory. */
export function demoSettings(): Settings {
  return {
    model_type: 'ltx2_22B_distilled',
    prompt:
      'Evening light over a mountain lake, the sun sinks behind violet hills, its reflection dances on the water, ' +
      'slow camera, soft chords of a distant piano',
    resolution: '640x384',
    video_length: 49,
    force_fps: 24,
    // Enough of them to see the preview change.
    num_inference_steps: 30,
    seed: 1964,
    image_start: path.join(MEDIA_FOLDER, 'start.png'),
    image_prompt_type: 'S',
    video_guide: buildVirtualMediaPath(path.join(MEDIA_FOLDER, 'guide.mp4'), { startFrame: 10, endFrame: 40 }),
    video_prompt_type: 'VG',
    _api: { return_media: true },
  };
}

/**
 * The settings of a `.json` file, with media returned in memory where they don't say whether; a saved queue (`.zip`)
 * stays the path that it is. Throws `ERR_WANGP_FILE` or `ERR_WANGP_SETTINGS_FILE`.
 */
export function readSource(file: string): Source {
  if (path.extname(file).toLowerCase() === '.zip') return file;
  return withMediaReturned(parse(readText(file), file), file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\ufeff/, '');
  } catch (cause) {
    throw new WanGPError('ERR_WANGP_FILE', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `${file} is no JSON: ${(cause as Error).message}. Export the settings from WanGP again`;
    throw new WanGPError('ERR_WANGP_SETTINGS_FILE', message, { cause });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withMediaReturned(content: unknown, file: string): Settings | TaskList | readonly Settings[] {
  if (Array.isArray(content)) return content.map((task) => taskWithMediaReturned(task, file));
  if (isObject(content) && Array.isArray(content['tasks'])) {
    return { ...content, tasks: content['tasks'].map((task) => taskWithMediaReturned(task, file)) };
  }
  return taskWithMediaReturned(content, file);
}

function taskWithMediaReturned(task: unknown, file: string): Settings {
  if (!isObject(task)) {
    const message = `${file} holds no settings: it needs an object, a list of objects, or { "tasks": [...] }`;
    throw new WanGPError('ERR_WANGP_SETTINGS_FILE', message);
  }
  // A task of a queue file has its settings in one of these.
  for (const wrapper of ['params', 'settings']) {
    if (isObject(task[wrapper])) return { ...task, [wrapper]: taskWithMediaReturned(task[wrapper], file) };
  }
  const api = task['_api'] ?? {};
  // What is no object is WanGP's to refuse.
  return isObject(api) ? { ...task, _api: { return_media: true, ...api } } : task;
}
