import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const src = join(process.cwd(), process.cwd().endsWith('web') ? 'src' : 'web/src');
const styles = join(src, '../node_modules/@mantine/core/styles');

test('every component that is used has its styles', () => {
  const used = new Set<string>();
  for (const name of readdirSync(src, { recursive: true }) as string[])
    if (name.endsWith('.tsx'))
      for (const [, list] of readFileSync(join(src, name), 'utf8').matchAll(
        /import \{([^}]*)\} from '@mantine\/core'/g,
      ))
        for (const word of list.split(',')) used.add(word.replace('type ', '').trim());
  const loaded = readFileSync(join(src, 'app/mantine.ts'), 'utf8');
  const missing = [...used].filter(
    (name) => existsSync(join(styles, `${name}.css`)) && !loaded.includes(`/${name}.css`),
  );
  expect(used.size).toBeGreaterThan(10);
  expect(missing).toEqual([]);
});
