// Previews in a window, by the preload script and the page of docs/electron.md.
'use strict';
const path = require('node:path');
const { BrowserWindow, ipcMain } = require('electron');
const { init } = require('wangp-node');

module.exports = async ({ init: options, settings, outputDir }) => {
  const preload = path.join(__dirname, '..', 'preload.js');
  const window = new BrowserWindow({ show: false, webPreferences: { preload } });
  await window.loadFile(path.join(__dirname, '..', 'index.html'));
  const drawn = [];
  const sent = [];
  let arrived = () => undefined;
  ipcMain.on('drawn', (event, picture) => {
    drawn.push(picture);
    arrived();
  });
  const session = await init({ ...options, outputDir, consoleOutput: false });
  await session.runTask(settings, {
    callbacks: {
      onPreview: ({ image }) => {
        if (image === null || window.isDestroyed()) return;
        sent.push(image);
        window.webContents.send('preview', { width: image.width, height: image.height, data: image.data });
      },
    },
  });
  while (drawn.length < sent.length) await new Promise((resolve) => (arrived = resolve));
  const { data } = sent[sent.length - 1];
  const { first, last, opaque } = drawn[drawn.length - 1];
  const same =
    first.every((value, index) => value === data[index]) && last.every((v, i) => v === data[data.length - 3 + i]);
  return { sent: sent.length, drawn: drawn.length, opaque, same };
};
