import path from 'node:path';
import { init } from 'wangp-node';

const { root } = JSON.parse(process.env.WANGP_PROGRAM);
const session = await init({
  root,
  consoleOutput: false,
  env: { WANGP_TEST_SET: 'gesetzt' },
  pythonPath: [path.join(import.meta.dirname)],
});
const answer = await session.call('execute', [
  `import multiprocessing, os, subprocess, sys
import squares
command = [sys.executable, "-c", "print('child', 6 * 7)"]
with multiprocessing.Pool(1) as pool:
    squared = pool.map(squares.square, [1, 2, 3])
result = {
    "executable": sys.executable,
    "word": os.environ.get("WANGP_TEST_WORD"),
    "set": os.environ.get("WANGP_TEST_SET"),
    "child": subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.strip(),
    "multiprocessing": squared,
}`,
]);
console.log(JSON.stringify(answer));
