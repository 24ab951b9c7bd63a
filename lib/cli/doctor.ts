import { styleText } from 'node:util';
import { surveyPython } from '../python/find';
import { coreName, findBinary, LOADER } from '../runtime/binaries';
import { packageVersion } from '../runtime/package';
import { SAMPLE_ROOT } from '../session/root';
import { searchOptions } from '../session/search';
import { checkCaches, clearCaches } from './doctor/caches';
import type { Check, Status } from './doctor/check';
import { checkBinary, checkInterpreters, checkPython } from './doctor/interpreters';
import { checkPackage, checkPlatform, checkRuntime, checkTools, checkVariables } from './doctor/machine';
import { checkOutputs, checkSpace, outputFolders } from './doctor/outputs';
import { checkPackages } from './doctor/packages';
import { checkConfig, checkRoot } from './doctor/root';
import { checkStart, tryStart } from './doctor/start';
import { EXIT } from './failure';

/** The options of `wangp-node doctor`. */
export interface DoctorOptions {
  readonly root?: string;
  readonly python?: string;
  readonly preImport?: readonly string[];
  readonly config?: string;
  readonly output?: string;
  readonly json?: boolean;
  readonly clearCache?: boolean;
}

/** What `--json` prints. */
export interface DoctorReport {
  /** Whether a generation can run: no check is an error. */
  readonly ok: boolean;
  /** Of this package. */
  readonly version: string;
  /** The checkout; null where there is none. */
  readonly root: string | null;
  /** The interpreter that would be started; null where there is none. */
  readonly python: string | null;
  readonly errors: number;
  readonly warnings: number;
  readonly checks: readonly Check[];
}

/** Findings in the order in which they are told; each may take its time, and all are looked for at once. */
type Findings = readonly (Check | readonly Check[] | Promise<Check | readonly Check[]>)[];

interface Examination {
  readonly findings: Findings;
  readonly root: string | undefined;
  readonly python: string | undefined;
}

async function examine(options: DoctorOptions): Promise<Examination> {
  const environment = process.env;
  const root = checkRoot(options.root);
  const checkout = root.value === SAMPLE_ROOT ? undefined : root.value;
  const survey = await surveyPython(await searchOptions(root.value ?? SAMPLE_ROOT, options.python));
  const { chosen } = survey;
  const config = root.value === undefined ? undefined : checkConfig(options.config, root.value);
  const folders = outputFolders(options.output, root.value ?? process.cwd(), config?.value ?? {});
  const hasBinaries =
    chosen !== undefined && [coreName(chosen.minor), LOADER].every((name) => findBinary(name) !== undefined);
  return {
    root: root.value,
    python: chosen?.executable,
    findings: [
      checkPackage(),
      checkRuntime(),
      checkPlatform(),
      checkVariables(environment),
      root.check,
      config?.check ?? [],
      checkPython(survey),
      checkInterpreters(survey),
      checkBinary(chosen),
      hasBinaries ? tryStart(chosen).then(checkStart) : [],
      chosen !== undefined && root.value !== undefined
        ? checkPackages({ executable: chosen.executable, root: root.value, preImport: options.preImport ?? [] })
        : [],
      ...checkTools(checkout, environment),
      checkOutputs(folders),
      checkSpace(folders),
      checkCaches(environment),
    ],
  };
}

const COLOURS = { ok: 'green', warning: 'yellow', error: 'red' } as const;
const TITLE_WIDTH = 16;

function paint(status: Status): string {
  const text = status.padEnd(7);
  const colours = process.stdout.isTTY && process.stdout.hasColors() && (process.env['NO_COLOR'] ?? '') === '';
  return colours ? styleText(COLOURS[status], text) : text;
}

function toText({ status, title, detail, code, remedy, items = [] }: Check): string {
  const indented = (text: string): string => text.replaceAll('\n', `\n${' '.repeat(TITLE_WIDTH + 9)}`);
  const first = `${paint(status)} ${title.padEnd(TITLE_WIDTH)} ${detail}${code === undefined ? '' : ` [${code}]`}`;
  const rest = [...items.map((item) => `- ${item}`), ...(remedy === undefined ? [] : [`→ ${remedy}`])];
  return indented([first, ...rest].join('\n'));
}

function verdict({ ok, errors, warnings }: DoctorReport): string {
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  const found = [errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : ''];
  const told = found.filter((text) => text !== '').join(', ');
  return `${ok ? 'A generation can run.' : 'No generation can run.'}${told === '' ? '' : ` (${told})`}`;
}

/** `wangp-node doctor`: looks at everything that a generation needs. Python runs in other processes only. */
export async function doctor(options: DoctorOptions): Promise<number> {
  if (options.clearCache === true) return clear(options);
  const { findings, root, python } = await examine(options);
  const checks: Check[] = [];
  for (const finding of findings) {
    for (const check of [await finding].flat()) {
      checks.push(check);
      if (options.json !== true) console.log(toText(check));
    }
  }
  const errors = checks.filter(({ status }) => status === 'error').length;
  const warnings = checks.filter(({ status }) => status === 'warning').length;
  const found = { root: root ?? null, python: python ?? null };
  const report: DoctorReport = { ok: errors === 0, version: packageVersion(), ...found, errors, warnings, checks };
  console.log(options.json === true ? JSON.stringify(report) : `\n${verdict(report)}`);
  return report.ok ? EXIT.success : EXIT.failure;
}

async function clear({ json }: DoctorOptions): Promise<number> {
  const told = await clearCaches(process.env);
  console.log(json === true ? JSON.stringify({ ok: true, cache: told }) : told.join('\n'));
  return EXIT.success;
}
