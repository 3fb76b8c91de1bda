import { describe, expect, it } from 'vitest';
import { blocks, inlines } from './markdown';

describe('the Markdown of cards', () => {
  it('reads headings, lists, tables and paragraphs', () => {
    const read = blocks(
      '# Model late\n\nA **good** one\nfor `x`.\n\n- a\n- b\n\n| k | v |\n|---|---|\n| a\\|b | `1` |\n',
    );
    expect(read.map((block) => block.kind)).toEqual(['heading', 'paragraph', 'list', 'table']);
    expect(read[1]).toEqual({
      kind: 'paragraph',
      text: [
        { kind: 'text', text: 'A ' },
        { kind: 'bold', text: 'good' },
        { kind: 'text', text: ' one for ' },
        { kind: 'code', text: 'x' },
        { kind: 'text', text: '.' },
      ],
    });
    expect(read[3]).toMatchObject({ rows: [[[{ text: 'a|b' }], [{ kind: 'code', text: '1' }]]] });
  });
  it('leaves HTML and links the text that they are', () => {
    expect(inlines('<img src=x onerror=alert(1)> [a](javascript:x)')).toEqual([
      { kind: 'text', text: '<img src=x onerror=alert(1)> [a](javascript:x)' },
    ]);
  });
  it('takes escapes away, and code with backticks inside', () => {
    expect(inlines('1\\. a\\_b')).toEqual([{ kind: 'text', text: '1. a_b' }]);
    expect(inlines('`` a`b ``')).toEqual([{ kind: 'code', text: 'a`b' }]);
    expect(inlines('an open ` and **')).toEqual([{ kind: 'text', text: 'an open ` and **' }]);
  });
  it('keeps fenced code as it is', () => {
    expect(blocks('```\n# no heading\n```')).toEqual([{ kind: 'code', text: '# no heading' }]);
  });
});
