import { existsSync } from 'node:fs';
import path from 'node:path';
import { inspectPackages, inspectTorch, type PackageReport, type TorchReport } from '../../python/packages';
import { ProbeFailure } from '../../python/probe';
import { shellWord } from '../../python/suitability';
import { SAMPLE_ROOT } from '../../session/root';
import { type Check, Finding, size } from './check';

/** How long may be waited, in milliseconds. */
const LIMITS = {
  /** A checkout on a slow disk has some hundred files to be read. */
  packages: 60_000,
  /** The first import of torch after a start of the machine reads gigabytes. */
  torch: 30_000,
};

/** Names shown of a long list. */
const SHOWN = 8;

export interface PackageRequest {
  readonly executable: string;
  readonly root: string;
  readonly preImport: readonly string[];
}

function isSample(root: string): boolean {
  return root === SAMPLE_ROOT;
}

/** The command that installs what a root requires. */
function installCommand({ executable, root }: PackageRequest): string {
  if (isSample(root)) return '`npx wangp-node setup`';
  return `\`${shellWord(executable)} -m pip install -r ${shellWord(path.join(root, 'requirements.txt'))}\``;
}

/** What the environment lacks of what the root needs, whether torch is there, and what it runs on. */
export async function checkPackages(request: PackageRequest, limits = LIMITS): Promise<readonly Check[]> {
  const finding = new Finding('packages', 'Packages');
  const options = { environment: process.env, timeoutMs: limits.packages };
  // A .py file is no module that could be looked for.
  const modules = request.preImport.filter((name) => !name.endsWith('.py'));
  let report: PackageReport;
  try {
    report = await inspectPackages(request.executable, request.root, options, modules);
  } catch (error) {
    if (!(error instanceof ProbeFailure)) throw error;
    const remedy = `Look at what \`${shellWord(request.executable)} -m pip check\` says`;
    return [finding.error(`${request.executable} could not look: it ${error.problem}`, remedy)];
  }
  return [
    ...[preImported(report, request)].filter((check) => check !== undefined),
    packages(finding, report, request),
    ...(isSample(request.root) ? [] : [imports(report, request)]),
    await torch(report, request, limits.torch),
  ];
}

function preImported({ modules }: PackageReport, { executable, preImport }: PackageRequest): Check | undefined {
  if (preImport.length === 0) return undefined;
  const finding = new Finding('pre-import', 'Pre-imports');
  const absent = [...modules, ...preImport.filter((name) => name.endsWith('.py') && !existsSync(name))];
  if (absent.length === 0) return finding.ok(preImport.join(', '));
  return finding.error(
    `${executable} has no ${absent.join(', ')}`,
    'Install it there, or name the .py file by its path',
  );
}

function packages(finding: Finding, report: PackageReport, request: PackageRequest): Check {
  const missing = report.packages.filter(({ state }) => state === 'missing');
  const other = report.packages.filter(({ state }) => state === 'other');
  const items = [
    ...missing.map(({ requirement }) => `missing: ${requirement}`),
    ...other.map(({ name, version, requirement }) => `${name} ${version}, where ${requirement} is required`),
    ...report.unread.map((line) => `not understood: ${line}`),
  ];
  const total = report.packages.length;
  if (items.length === 0) {
    const detail = total === 0 ? 'the root has no requirements.txt' : `all ${total} of its requirements.txt`;
    return finding.ok(detail);
  }
  const counts = [
    [missing.length, 'missing'],
    [other.length, 'of another version'],
    [report.unread.length, 'not understood'],
  ] as const;
  const detail = `of ${total} in requirements.txt: ${counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ')}`;
  if (isSample(request.root) && missing.length > 0) {
    const names = missing.map(({ name }) => name).join(', ');
    const remedy =
      `Make an environment that has them: ${installCommand(request)}. If you name a Python by --python or by ` +
      'WANGP_PYTHON, leave that out: it comes first';
    return finding.error(`${request.executable} has no ${names}`, remedy, { code: 'ERR_WANGP_PACKAGE_MISSING', items });
  }
  return finding.warning(detail, `What needs them will fail. Install them: ${installCommand(request)}`, { items });
}

/** What importing WanGP needs in any case. */
function imports({ absent }: PackageReport, request: PackageRequest): Check {
  const finding = new Finding('imports', 'Imports');
  if (absent.length === 0) return finding.ok('every module that WanGP imports when it starts is there');
  const names = absent.map(({ module }) => module);
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  const detail = `${request.executable} has no ${names.slice(0, SHOWN).join(', ')}${more}`;
  const items = absent.map(({ module, place }) => `${module}, imported by ${place}`);
  const remedy =
    `Install what the root requires: ${installCommand(request)}. Or name the environment that WanGP is installed in ` +
    'with --python or WANGP_PYTHON';
  // What is imported before WanGP may bring modules of its own.
  if (request.preImport.length > 0) return finding.warning(detail, remedy, { items });
  return finding.error(detail, remedy, { items, code: 'ERR_WANGP_PACKAGE_MISSING' });
}

async function torch(
  { torch: version }: PackageReport,
  { executable, root, preImport }: PackageRequest,
  timeoutMs: number,
): Promise<Check> {
  const finding = new Finding('torch', 'torch');
  if (isSample(root)) return finding.ok(version === null ? 'none; the sample root needs none' : `${version}, not used`);
  if (version === null) {
    const remedy =
      'Install it as the installation guide of WanGP says for your GPU, or name the environment that WanGP is ' +
      'installed in with --python or WANGP_PYTHON';
    const detail = `${executable} has no torch, on which every model of WanGP runs`;
    return preImport.length > 0
      ? finding.warning(detail, remedy)
      : finding.error(detail, remedy, { code: 'ERR_WANGP_PACKAGE_MISSING' });
  }
  try {
    const options = { environment: process.env, timeoutMs };
    return device(finding, await inspectTorch(executable, options), root, preImport);
  } catch (error) {
    if (!(error instanceof ProbeFailure)) throw error;
    const command = `\`${shellWord(executable)} -c "import torch"\``;
    if (error.isTimeout) {
      const detail = `${version}; it did not say within ${timeoutMs / 1000} s what it runs on`;
      return finding.warning(detail, `Run the doctor again, or see what ${command} says`);
    }
    return finding.error(`${version} can't be imported: ${error.problem}`, `See what ${command} says`);
  }
}

function device(finding: Finding, report: TorchReport, root: string, preImport: readonly string[]): Check {
  const build = report.cuda !== null ? `CUDA ${report.cuda}` : report.hip !== null ? `ROCm ${report.hip}` : 'no CUDA';
  const items = report.devices.map(({ name, memory }) => `${name}, ${size(memory)}`);
  const detail = `${report.version}, built for ${build}, runs on ${report.device}`;
  if (report.device !== 'cpu') return finding.ok(detail, items.length > 0 ? { items } : {});
  const remedy =
    report.cuda === null && report.hip === null
      ? 'Install a torch that is built for your GPU: https://pytorch.org/get-started/locally'
      : 'Install the driver of your GPU (`nvidia-smi` shows whether it works), or let this user or container use it';
  // WanGP asks for the GPU as soon as it is imported; what is imported before it may answer for one.
  if (preImport.length > 0 || !existsSync(path.join(root, 'wgp.py'))) return finding.warning(detail, remedy);
  return finding.error(`${detail}: without a GPU WanGP does not start`, remedy);
}
