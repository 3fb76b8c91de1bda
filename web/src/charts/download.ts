// What a chart shows, as a file: made in the browser, nothing is sent anywhere.
export type Cell = string | number | null | undefined;
export interface Table {
  columns: string[];
  rows: Cell[][];
}

const quoted = (cell: Cell) => {
  const text = cell === null || cell === undefined ? '' : String(cell);
  // A spreadsheet must not take a text for a formula.
  const safe = typeof cell === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
};

export const csvOf = (table: Table) =>
  `${[table.columns, ...table.rows].map((row) => row.map(quoted).join(',')).join('\r\n')}\r\n`;

export function save(name: string, content: Blob | string, type = 'text/plain') {
  const url = URL.createObjectURL(typeof content === 'string' ? new Blob([content], { type }) : content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** The first element like this, once there is one; null when it does not come. */
export function appears<E extends Element>(area: Element, selector: string, ms = 5_000): Promise<E | null> {
  const found = () => area.querySelector<E>(selector);
  if (found()) return Promise.resolve(found());
  return new Promise((resolve) => {
    const end = () => {
      watch.disconnect();
      clearTimeout(timer);
      resolve(found());
    };
    const watch = new MutationObserver(() => found() && end());
    const timer = setTimeout(end, ms);
    watch.observe(area, { childList: true, subtree: true });
  });
}

const COPIED = ['fill', 'stroke', 'stroke-width', 'font-size', 'font-family', 'opacity', 'text-anchor', 'color'];

/** An SVG that stands for itself: what the page's style sheet says is written into it. */
export function standalone(svg: SVGSVGElement): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const from = [svg, ...svg.querySelectorAll<SVGElement>('*')];
  const to = [copy, ...copy.querySelectorAll<SVGElement>('*')];
  from.forEach((element, index) => {
    const style = getComputedStyle(element);
    for (const name of COPIED)
      if (style.getPropertyValue(name)) to[index].style.setProperty(name, style.getPropertyValue(name));
  });
  const box = svg.getBoundingClientRect();
  for (const name of ['position', 'left']) copy.style.removeProperty(name); // where it was drawn out of sight
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(Math.round(box.width)));
  copy.setAttribute('height', String(Math.round(box.height)));
  return new XMLSerializer().serializeToString(copy);
}

export async function pngOf(svgText: string, width: number, height: number, ground: string): Promise<Blob> {
  const image = new Image();
  const url = URL.createObjectURL(new Blob([svgText], { type: 'image/svg+xml' }));
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = url;
    });
    const canvas = document.createElement('canvas');
    canvas.width = width * 2;
    canvas.height = height * 2;
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    context.fillStyle = ground;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) =>
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no image'))), 'image/png'),
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}
