/* global document, window, ImageData */
'use strict';

const canvas = document.getElementById('preview');
window.film.onPreview(({ width, height, data }) => {
  const pixels = new ImageData(width, height); // RGBA, where the preview is RGB
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    pixels.data.set(data.subarray(from, from + 3), to);
    pixels.data[to + 3] = 255;
  }
  Object.assign(canvas, { width, height });
  canvas.getContext('2d').putImageData(pixels, 0, 0);

  const seen = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const opaque = seen.every((value, index) => index % 4 !== 3 || value === 255);
  window.film.tellDrawn({ first: [...seen.slice(0, 3)], last: [...seen.slice(-4, -1)], opaque });
});
