'use strict';
const { contextBridge, ipcRenderer } = require('electron');

contextBridge.exposeInMainWorld('film', {
  onPreview: (listener) => ipcRenderer.on('preview', (_event, image) => listener(image)),
  // For the test alone: what the page has drawn.
  tellDrawn: (picture) => ipcRenderer.send('drawn', picture),
});
