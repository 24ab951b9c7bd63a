import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type SessionJob } from 'wangp-node';
import { FIXTURES, initScripted } from '../tools.js';

const session = await initScripted();
afterAll(() => session.close());

describe('models and settings', () => {
  test('filters reach Python by the names they have there, and undefined ones are left out', async () => {
    const filters = {
      family: ['a', 'b'],
      baseModelType: 'c*',
      finetune: false,
      modelType: 'd',
      mainOutput: ['video'],
      inputs: 'image',
      name: '*e*',
      query: 'f',
      limit: 10,
      offset: 0,
    };
    const keywords = {
      family: ['a', 'b'],
      base_model_type: 'c*',
      finetune: false,
      model_type: 'd',
      main_output: ['video'],
      inputs: 'image',
      name: '*e*',
      query: 'f',
      limit: 10,
      offset: 0,
    };
    expect(await session.listModelDefs(filters)).toEqual([{ model_type: 'scripted', arguments: keywords }]);
    expect(await session.listModelDefs({ query: undefined })).toMatchObject([{ arguments: {} }]);
    expect(await session.listModelAvailability({ mainOutput: 'image' })).toMatchObject([
      { status: 'available', available: true, arguments: { main_output: 'image' } },
    ]);
    expect(await session.listModelMetadata({ includeAvailability: true, limit: 1 })).toMatchObject([
      { name: 'Scripted', arguments: { include_availability: true, limit: 1 } },
    ]);
  });

  test('a model is found by its type, and an unknown type gives null', async () => {
    expect(await session.getModelDef('scripted')).toEqual({ model_type: 'scripted' });
    expect(await session.getModelDef('nope')).toBeNull();
    expect(await session.getModelMetadata('scripted')).toEqual({ model_type: 'scripted', name: 'Scripted' });
    expect(await session.getModelMetadata('scripted', { includeAvailability: true })).toHaveProperty('availability');
    expect(await session.getModelAvailability('scripted')).toMatchObject({ status_code: 2 });
    expect(await session.listLoras('scripted')).toMatchObject({ loras: ['a.safetensors'], count: 1 });
  });

  test('default, exported and merged settings are those of WanGP; an unknown model rejects with its ValueError', async () => {
    const defaults = { model_type: 'scripted', prompt: 'default', seed: -1 };
    expect(await session.getDefaultSettings('scripted')).toEqual(defaults);
    expect(await session.getExportedDefaultSettings('scripted')).toEqual({ ...defaults, type: 'exported' });
    const merged = await session.mergeSettingsWithDefaults({ model_type: 'scripted', seed: 7 });
    expect(merged).toEqual({ ...defaults, seed: 7 });
    expect(await session.prepareSettingsForExport(merged)).toEqual({ ...merged, type: 'exported' });
    await expect(session.getDefaultSettings('nope')).rejects.toMatchObject({
      code: 'ERR_WANGP_PYTHON',
      pythonType: 'ValueError',
    });
  });

  test('getModelSchema() rejects with ERR_WANGP_UNSUPPORTED where the loaded WanGP lacks it', async () => {
    await expect(session.getModelSchema('scripted')).rejects.toMatchObject({
      code: 'ERR_WANGP_UNSUPPORTED',
      message: 'WanGP scripted 1 has no method getModelSchema(): update the checkout',
    });
  });

  test.each([
    ['modelType must be a non-empty string, not 7', () => session.getModelDef(7 as never)],
    ['modelType must be a non-empty string, not undefined', () => session.listLoras(undefined as never)],
    ['limit must be a whole number, not 1.5', () => session.listModelDefs({ limit: 1.5 })],
    ['inputs must be a string or an array of strings, not an array', () => session.listModelDefs({ inputs: [1 as never] })], // prettier-ignore
    ['here it is called mainOutput', () => session.listModelDefs({ main_output: 'video' } as never)],
    [
      'listModelDefs() has no option toString: there are family',
      () => session.listModelDefs({ toString: 'x' } as never),
    ],
    [
      'listModelDefs() has no option includeAvailability: there are family',
      () => session.listModelDefs({ includeAvailability: true } as never),
    ],
    [
      'listModelAvailability() has no option qery: did you mean query?',
      () => session.listModelAvailability({ qery: 'x' } as never),
    ],
    [
      'listModelMetadata() has no option includeAvailabilty: did you mean includeAvailability?',
      () => session.listModelMetadata({ includeAvailabilty: true } as never),
    ],
    [
      'getModelMetadata() has no option availability: did you mean includeAvailability?',
      () => session.getModelMetadata('a', { availability: true } as never),
    ],
    [
      'listModelDefs() takes an object of options, not a Map',
      () => session.listModelDefs(new Map([['query', 'x']]) as never),
    ],
    [
      "settings.modelType: settings have WanGP's own names, model_type",
      () => session.mergeSettingsWithDefaults({ modelType: 'a' }),
    ],
    ['settings must be an object', () => session.mergeSettingsWithDefaults('a' as never)],
  ])('a wrong argument is refused with the message: %s', async (message, attempt) => {
    await expect(attempt()).rejects.toMatchObject({
      code: 'ERR_WANGP_ARGUMENT',
      message: expect.stringContaining(message),
    });
  });
});

/** The arguments as the scripted root got them. */
async function argumentsOf(job: SessionJob): Promise<unknown> {
  for await (const event of job.events) {
    if (event.kind === 'output') {
      await job.result();
      return event.data;
    }
  }
  throw new Error('no arguments came');
}

describe('postprocessing', () => {
  test('options reach Python by the names they have there, and win over settings, which pass untouched', async () => {
    const job = await session.submitMediaPostprocessing('package.json', {
      temporalUpsampling: 'rife2',
      spatialUpsampling: 'lanczos2',
      filmGrainIntensity: 0.1,
      filmGrainSaturation: 0.25,
      seed: 5,
      returnMedia: true,
      apiOptions: { a: 1 },
      settings: { seed: 6, client_id: 'mine' },
    });
    expect(await argumentsOf(job)).toEqual({
      kind: 'media',
      source: 'package.json',
      exists: true,
      keywords: {
        temporal_upsampling: 'rife2',
        spatial_upsampling: 'lanczos2',
        film_grain_intensity: 0.1,
        film_grain_saturation: 0.25,
        seed: 5,
        return_media: true,
        api_options: { a: 1 },
        client_id: 'mine',
      },
    });
  });

  test('paths are relative to the working directory of the submit, and file: URLs become paths', async () => {
    const before = process.cwd();
    try {
      process.chdir(path.join(FIXTURES, 'media'));
      const job = await session.submitAudioRemux('guide.mp4', {
        postprocessAudio: 'custom',
        audioSource: new URL('file:///sound.wav'),
        replaceVoiceSample: 'voice.wav|start_frame=1',
      });
      expect(await argumentsOf(job)).toMatchObject({
        kind: 'remux',
        exists: true,
        keywords: { audio_source: '/sound.wav', replace_voice_sample: expect.stringMatching(/voice\.wav\|start_frame=1$/) },
      }); // prettier-ignore
    } finally {
      process.chdir(before);
    }
  });

  test('paths are made absolute before the submit where threads have no working directory of their own', async () => {
    const set = (own: string): Promise<unknown> =>
      session.call('execute', [`sys.modules['wangp_bridge.runtime'].OWN_WORKING_DIRECTORY = ${own}`]);
    const before = await session.call('evaluate', ["sys.modules['wangp_bridge.runtime'].OWN_WORKING_DIRECTORY"]);
    await set('False');
    try {
      const job = await session.submitAudioRemux('package.json', {
        postprocessAudio: 'custom.json',
        audioSource: 'a.wav|start_frame=1',
        replaceVoiceSample: '/b.wav',
        settings: { image_refs: ['c.png'], prompt: 'd.png' },
      });
      expect(await argumentsOf(job)).toMatchObject({
        source: path.resolve('package.json'),
        keywords: {
          postprocess_audio: 'custom.json',
          audio_source: path.resolve('a.wav|start_frame=1'),
          replace_voice_sample: '/b.wav',
          image_refs: [path.resolve('c.png')],
          prompt: 'd.png',
        },
      });
    } finally {
      await set(before === true ? 'True' : 'False');
    }
  });

  test('callbacks, result, cancellation, signal and the refusal of a busy session are those of a submit', async () => {
    const outputs: unknown[] = [];
    const result = await session.runMediaPostprocessing('a.png', {
      spatialUpsampling: 'lanczos2',
      callbacks: { onOutput: (data) => outputs.push(data) },
    });
    expect(result).toMatchObject({ success: true, totalTasks: 1 });
    expect(outputs).toHaveLength(1);
    const waiting = await session.submitAudioRemux('a.mp4', {
      postprocessAudio: 'custom',
      settings: { script: '; job.wait_for_cancel(20)' },
    });
    await expect(session.runAudioRemux('b.mp4', { postprocessAudio: 'custom' })).rejects.toMatchObject({
      code: 'ERR_WANGP_BUSY',
    });
    waiting.cancel();
    expect(await waiting.result()).toMatchObject({ cancelled: true });
    const options = { signal: AbortSignal.abort() };
    await expect(session.submitMediaPostprocessing('a.png', options)).rejects.toThrow('aborted');
  });

  test('runAudioPostprocessing() rejects with ERR_WANGP_UNSUPPORTED where the loaded WanGP lacks it; the next job succeeds', async () => {
    const attempt = session.runAudioPostprocessing('a.wav', { postprocessAudio: 'remove_background' });
    await expect(attempt).rejects.toMatchObject({
      code: 'ERR_WANGP_UNSUPPORTED',
      message: 'WanGP scripted 1 has no method submitAudioPostprocessing(): update the checkout',
    });
    expect(await session.runTask({})).toMatchObject({ success: true });
  });

  test.each([
    ['source must be the path of a file, not an object', () => session.submitMediaPostprocessing({} as never, {})],
    ['source must be the path of a file, not ""', () => session.submitMediaPostprocessing('', {})],
    ['source must be a file: URL', () => session.submitMediaPostprocessing(new URL('https://a.b/c'), {})],
    ['postprocessAudio must name an audio processor', () => session.submitAudioRemux('a', undefined as never)],
    ["submitMediaPostprocessing() needs an operation: { spatialUpsampling: 'lanczos2' }", () => session.runMediaPostprocessing('a.mp4', undefined as never)],
    ['submitMediaPostprocessing() takes an object of options, not "lanczos2"', () => session.submitMediaPostprocessing('a', 'lanczos2' as never)],
    ['submitMediaPostprocessing() has no option spatialUpscaling: did you mean spatialUpsampling?', () => session.submitMediaPostprocessing('a', { spatialUpscaling: 'x' } as never)],
    ['postprocessAudio must name', () => session.submitAudioRemux('a', {} as never)],
    ['here it is called spatialUpsampling', () => session.submitMediaPostprocessing('a', { spatial_upsampling: 'x' } as never)],
    ['onProgress belongs into an object of callbacks', () => session.submitMediaPostprocessing('a', { onProgress() {} } as never)],
    ['seed must be a whole number, not NaN', () => session.submitMediaPostprocessing('a', { seed: NaN })],
    ['settings may not have media_source', () => session.submitMediaPostprocessing('a', { settings: { media_source: 'b' } })],
    ['audioSource must be a path', () => session.submitAudioRemux('a', { postprocessAudio: 'custom', audioSource: '' })],
  ])('a wrong argument is refused with the message: %s', async (message, attempt) => {
    await expect(attempt()).rejects.toMatchObject({
      code: 'ERR_WANGP_ARGUMENT',
      message: expect.stringContaining(message),
    });
  }); // prettier-ignore
});
