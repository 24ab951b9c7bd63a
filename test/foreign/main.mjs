// node --test-reporter=spec tests/main.mjs NAME…: the tests of these files, in a project in which the package is
// installed. One process for all of them: emulated Nodes start slowly.
for (const name of process.argv.slice(2)) await import(`./${name}.mjs`);
