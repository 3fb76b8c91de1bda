// Reads the Markdown that the server writes for model cards: headings, lists, tables, code, paragraphs, bold. Nothing
// else has a meaning, HTML least of all: what is not understood stays the text that it is.
export type Inline = { kind: 'text' | 'code' | 'bold'; text: string };
export type Block =
  | { kind: 'heading'; level: number; text: Inline[] }
  | { kind: 'paragraph'; text: Inline[] }
  | { kind: 'list'; ordered: boolean; items: Inline[][] }
  | { kind: 'code'; text: string }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] };

export function inlines(source: string): Inline[] {
  const out: Inline[] = [];
  let text = '';
  let bold = false;
  const flush = () => {
    if (text) out.push({ kind: bold ? 'bold' : 'text', text });
    text = '';
  };
  for (let at = 0; at < source.length; ) {
    const character = source[at];
    if (character === '\\' && at + 1 < source.length && /[!-/:-@[-`{-~]/.test(source[at + 1])) {
      text += source[at + 1];
      at += 2;
    } else if (character === '`') {
      const fence = /^`+/.exec(source.slice(at))?.[0] ?? '`';
      const end = new RegExp(`(?<!\`)${fence}(?!\`)`).exec(source.slice(at + fence.length));
      if (!end) {
        text += fence;
        at += fence.length;
        continue;
      }
      flush();
      const inside = source.slice(at + fence.length, at + fence.length + end.index);
      out.push({ kind: 'code', text: /^ .*\S.* $/.test(inside) ? inside.slice(1, -1) : inside });
      at += fence.length + end.index + fence.length;
    } else if (source.startsWith('**', at) && (bold || source.indexOf('**', at + 2) > 0)) {
      flush();
      bold = !bold;
      at += 2;
    } else {
      text += character;
      at += 1;
    }
  }
  flush();
  return out;
}

/** The cells of a table's line: a bar with a backslash before it stays in its cell. */
function cells(line: string): Inline[][] {
  const inner = line.trim().replace(/^\|/, '').replace(/\|$/, '');
  const out: string[] = [''];
  for (let at = 0; at < inner.length; at += 1) {
    if (inner[at] === '\\' && at + 1 < inner.length) {
      out[out.length - 1] += inner[at] + inner[at + 1];
      at += 1;
    } else if (inner[at] === '|') out.push('');
    else out[out.length - 1] += inner[at];
  }
  return out.map((cell) => inlines(cell.trim()));
}

const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const BULLET = /^\s*[-*+]\s+(.*)$/;
const NUMBERED = /^\s*\d+[.)]\s+(.*)$/;
const RULE = /^\s*\|?(\s*:?-{3,}:?\s*\|)+\s*(:?-{3,}:?)?\s*$/;
const FENCE = /^```/;

export function blocks(source: string): Block[] {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const out: Block[] = [];
  let at = 0;
  const opens = (index: number) => {
    const line = lines[index];
    return (
      HEADING.test(line) ||
      BULLET.test(line) ||
      NUMBERED.test(line) ||
      FENCE.test(line) ||
      (line.includes('|') && RULE.test(lines[index + 1] ?? ''))
    );
  };
  while (at < lines.length) {
    const line = lines[at];
    const heading = HEADING.exec(line);
    if (!line.trim()) at += 1;
    else if (FENCE.test(line)) {
      const inside: string[] = [];
      for (at += 1; at < lines.length && !FENCE.test(lines[at]); at += 1) inside.push(lines[at]);
      at += 1;
      out.push({ kind: 'code', text: inside.join('\n') });
    } else if (heading) {
      out.push({ kind: 'heading', level: heading[1].length, text: inlines(heading[2]) });
      at += 1;
    } else if (line.includes('|') && RULE.test(lines[at + 1] ?? '')) {
      const head = cells(line);
      const rows: Inline[][][] = [];
      for (at += 2; at < lines.length && lines[at].trim() && lines[at].includes('|'); at += 1)
        rows.push(cells(lines[at]));
      out.push({ kind: 'table', head, rows });
    } else if (BULLET.test(line) || NUMBERED.test(line)) {
      const pattern = BULLET.test(line) ? BULLET : NUMBERED;
      const items: Inline[][] = [];
      for (; at < lines.length; at += 1) {
        const item = pattern.exec(lines[at]);
        if (!item) break;
        items.push(inlines(item[1]));
      }
      out.push({ kind: 'list', ordered: pattern === NUMBERED, items });
    } else {
      const inside = [line.trim()];
      for (at += 1; at < lines.length && lines[at].trim() && !opens(at); at += 1) inside.push(lines[at].trim());
      out.push({ kind: 'paragraph', text: inlines(inside.join(' ')) });
    }
  }
  return out;
}
