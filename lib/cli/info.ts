import { init, type SessionInfo } from '../index';
import { EXIT } from './failure';
import { PACKAGE_VERSION, toInitOptions, type WanGPOptions } from './options';

function wangpOf(info: SessionInfo): string {
  return info.isSample ? 'the embedded sample: no WanGP, no AI' : (info.wangpVersion ?? 'of unknown version');
}

/** What a session runs on, in a line. */
export function oneLine(info: SessionInfo): string {
  const name = info.isSample ? wangpOf(info) : `WanGP ${wangpOf(info)}`;
  return `wangp-node ${PACKAGE_VERSION} · ${name} · Python ${info.pythonVersion} · ${info.device}`;
}

function toText(info: SessionInfo): string {
  const directory =
    info.isolation.workingDirectory === 'thread'
      ? 'each job has its own'
      : 'the system allows none for each job; attachments are made absolute';
  const rows = [
    ['wangp-node', PACKAGE_VERSION],
    ['WanGP', wangpOf(info)],
    ['root', info.root],
    ['Python', `${info.pythonVersion} (${info.python})`],
    ['device', info.device],
    ['working directory', directory],
  ] as const;
  return rows.map(([name, value]) => `${name.padEnd(18)} ${value}`).join('\n');
}

/** `wangp-node info`: starts Python and WanGP and tells what they are. */
export async function info(options: WanGPOptions): Promise<number> {
  const session = await init(toInitOptions(options));
  await session.close();
  console.log(options.json ? JSON.stringify({ success: true, ...session.info }) : toText(session.info));
  return EXIT.success;
}
