/** What each step does. Every file is written under another name and renamed, so a step may run twice. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Bury, worker, type Delivery } from 'hotqueue';
import sharp from 'sharp';
import { copies, downloads, pages, type Copy, type Download, type Resize } from './tasks.js';

sharp.concurrency(1); // the concurrency of the workers keeps the cores busy

interface Photo {
  readonly name: string;
  readonly file: string;
}

export class Pipeline {
  /** @param site folder of the page and the copies */
  constructor(private readonly site: string) {}

  @worker(downloads, { concurrency: 4, attempts: 3, backoff: '200ms' })
  async download({ url }: Download, job: Delivery<Download>): Promise<Photo> {
    const response = await fetch(url, { signal: job.signal });
    if (response.status === 404) throw new Bury(`there is no ${url}`); // another attempt would not help
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    const name = path.basename(new URL(url).pathname, '.jpg');
    return { name, file: await this.#write(`originals/${name}.jpg`, Buffer.from(await response.arrayBuffer())) };
  }

  @worker(copies, { concurrency: 4 })
  async resize({ width }: Resize, job: Delivery<Resize>): Promise<Copy> {
    const [photo] = await job.parents<Photo>();
    const { name, file } = photo!.result!;
    const { data, info } = await sharp(path.join(this.site, file))
      .autoOrient()
      .resize({ width, withoutEnlargement: true })
      .toBuffer({ resolveWithObject: true });
    const copy = await this.#write(`${name}-${width}.jpg`, data);
    console.log(`${copy}: ${info.width}×${info.height}`);
    return { name, file: copy, width: info.width, height: info.height };
  }

  @worker(pages)
  async page(photos: Copy[][]): Promise<string> {
    const figures = photos.map((sizes) => {
      const [smallest] = sizes;
      const set = sizes.map(({ file, width }) => `${file} ${width}w`).join(', ');
      const { name, file, width, height } = smallest!;
      return `<figure><img src="${file}" srcset="${set}" width="${width}" height="${height}" alt="${name}"><figcaption>${name}</figcaption></figure>`;
    });
    const html = `<!doctype html>\n<meta charset="utf-8">\n<title>${photos.length} photographs</title>\n${figures.join('\n')}\n`;
    return this.#write('index.html', html);
  }

  /** @returns the path of the file in the folder */
  async #write(file: string, content: Buffer | string): Promise<string> {
    const whole = path.join(this.site, file);
    const unfinished = path.join(path.dirname(whole), `.${randomUUID()}`);
    await mkdir(path.dirname(whole), { recursive: true });
    await writeFile(unfinished, content);
    await rename(unfinished, whole);
    return file;
  }
}
