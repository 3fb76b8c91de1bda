// Compresses the built files and lists them for embedding: build/web/packed/manifest.json (see src/api/ui).
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = resolve(web, process.env.MILLRACE_WEB_OUT ?? '../build/web/dist');
const packed = resolve(dist, '../packed');

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

function* walk(folder) {
  for (const entry of readdirSync(folder).sort()) {
    const path = join(folder, entry);
    if (statSync(path).isDirectory()) yield* walk(path);
    else yield path;
  }
}

rmSync(packed, { recursive: true, force: true });
mkdirSync(join(packed, 'files'), { recursive: true });
const files = [];
for (const path of walk(dist)) {
  const name = relative(dist, path);
  const type = types[name.slice(name.lastIndexOf('.'))];
  if (!type) throw new Error(`no media type is known for ${name}; name it in tools/pack.mjs`);
  const bytes = readFileSync(path);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const short = digest.slice(0, 16);
  const variants = { identity: bytes };
  // index.html gets its nonce with each answer, so it is not packed ahead.
  if (name !== 'index.html') {
    variants.br = brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    });
    variants.gzip = gzipSync(bytes, { level: 9 });
  }
  const stored = {};
  for (const [variant, content] of Object.entries(variants)) {
    stored[variant] = `files/${short}${variant === 'identity' ? '' : `.${variant}`}`;
    writeFileSync(join(packed, stored[variant]), content);
  }
  files.push({
    path: name,
    type,
    sha256: digest,
    variants: stored,
    sizes: Object.fromEntries(Object.entries(variants).map(([k, v]) => [k, v.length])),
  });
}
writeFileSync(join(packed, 'manifest.json'), `${JSON.stringify({ files }, null, 1)}\n`);
const total = files.reduce((sum, file) => sum + (file.sizes.br ?? file.sizes.identity), 0);
console.log(`packed ${files.length} files, ${(total / 1024).toFixed(0)} KiB compressed`);
