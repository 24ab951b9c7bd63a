// node --test-reporter=spec test/electron/main.mjs GROUP…: see scripts/test-electron.mjs.
for (const name of process.argv.slice(2)) await import(`./${name}.mjs`);
