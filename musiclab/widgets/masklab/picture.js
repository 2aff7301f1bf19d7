// The mixture's spectrogram in grey, coloured where the mask lets it through.

const BEND = 1.2;

export class MaskPicture {
  constructor(level, rows) {
    this.level = level;
    this.rows = rows;
    this.columns = level.length / rows;
    this.mask = new Uint8Array(level.length);
    this.canvas = new OffscreenCanvas(this.columns, rows);
    this.context = this.canvas.getContext("2d");
    this.palette = { page: [255, 255, 255], ink: [140, 144, 150], stem: [213, 94, 0], range: 70, of: 90, alone: false };
  }

  /** Other colours, or another dynamic range: everything is drawn anew. */
  setPalette(palette) {
    Object.assign(this.palette, palette);
    this.draw(0, this.columns);
  }

  /** A mask's bytes (rows x some columns, lowest row first) from a column on. */
  setMask(bytes, column) {
    const width = bytes.length / this.rows;
    for (let row = 0; row < this.rows; row++) {
      this.mask.set(bytes.subarray(row * width, (row + 1) * width), row * this.columns + column);
    }
    this.draw(column, column + width);
  }

  /** Level and mask (0 to 1) in a column, at a part of the height from below. */
  at(column, up) {
    const within = (x, size) => Math.min(Math.max(x, 0), size - 1);
    const cell = within(Math.floor(up * this.rows), this.rows) * this.columns
      + within(Math.round(column), this.columns);
    return { level: this.level[cell] / 255, mask: this.mask[cell] / 255 };
  }

  draw(from, to) {
    if (to > from) this.context.putImageData(this.#pixels(this.mask, from, to), from, 0);
  }

  #pixels(mask, from, to) {
    const { page, ink, stem, range, of, alone } = this.palette;
    const strength = Float32Array.from(
      { length: 256 }, (_, i) => Math.max(0, 1 - ((1 - i / 255) * of) / range) ** BEND,
    );
    const image = new ImageData(to - from, this.rows);
    const { data } = image;
    let at = 0;
    for (let row = this.rows - 1; row >= 0; row--) {
      for (let cell = row * this.columns + from, end = row * this.columns + to; cell < end; cell++, at += 4) {
        const share = mask[cell] / 255;
        const v = alone ? share : strength[this.level[cell]];
        for (let c = 0; c < 3; c++) {
          const colour = alone ? stem[c] : share * stem[c] + (1 - share) * ink[c];
          data[at + c] = page[c] + (colour - page[c]) * v;
        }
        data[at + 3] = 255;
      }
    }
    return image;
  }

  /** A small picture of another mask, for comparison. */
  thumbnail(mask, width, height) {
    const full = new OffscreenCanvas(this.columns, this.rows);
    full.getContext("2d").putImageData(this.#pixels(mask, 0, this.columns), 0, 0);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(full, 0, 0, width, height);
    return canvas;
  }
}
