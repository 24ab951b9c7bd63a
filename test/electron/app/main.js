// The main process. Plain JavaScript of Node 16: that is what the Electron of these tests has.
'use strict';
const { app, utilityProcess } = require('electron');
const path = require('node:path');
const { run, settings, tell } = require('./run.js');

function runInUtilityProcess() {
  const child = utilityProcess.fork(path.join(__dirname, 'utility.js'), [], { stdio: 'pipe' });
  child.stdout.pipe(process.stdout);
  child.stderr.pipe(process.stderr);
  child.on('message', (message) => {
    if (message === 'quit') app.quit();
  });
  child.on('exit', (code) => {
    tell({ ended: { code } });
    app.exit(0);
  });
}

app.on('window-all-closed', () => undefined);
app.whenReady().then(() => {
  if (settings.where === 'utility') runInUtilityProcess();
  else run({ quit: () => app.quit() }).then((code) => app.exit(code));
});
