import { init } from 'wangp-node';

const { root, lines } = JSON.parse(process.env.WANGP_PROGRAM);
const session = await init({ root });
await session.call('execute', [
  `import sys
for index in range(${lines}): print(index, "größer 🚲")
print("Fehler: zwölf 🚲", file=sys.stderr)
print("ohne Ende", end="")`,
]);
process.exit(0);
