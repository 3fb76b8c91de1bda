// The frame of every chart: a title, how exact it is, the table behind it, and downloads as SVG, PNG and CSV.
import { Menu, UnstyledButton } from '@mantine/core';
import { type ReactNode, useRef, useState } from 'react';
import { number } from '@/parts/format';
import { appears, csvOf, pngOf, save, standalone, type Table } from './download';

const TABLE_ROWS = 500;

export function TableOf({ of, label }: { of: Table; label: string }) {
  const rows = of.rows.slice(0, TABLE_ROWS);
  return (
    <div
      className="scroll-x"
      style={{ maxHeight: 320, overflowY: 'auto' }}
      tabIndex={0}
      role="region"
      aria-label={`${label}: table`}
    >
      <table className="plain">
        <thead>
          <tr>
            {of.columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, at) => (
                <td key={at} className={typeof cell === 'number' ? 'right' : undefined}>
                  {typeof cell === 'number' ? number(cell, 6) : (cell ?? '–')}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {of.rows.length > TABLE_ROWS && (
        <p className="chart-note">
          The first {TABLE_ROWS} of {of.rows.length} rows; the CSV has all.
        </p>
      )}
    </div>
  );
}

interface FrameProps {
  title: string;
  table: Table;
  note?: ReactNode; // "exact", or "1,000 of 10,000,000 points; extremes are kept"
  summary?: string; // what the chart says, in words
  actions?: ReactNode;
  /** Draws the chart as SVG when the chart itself is a canvas. */
  svg?: () => Promise<SVGSVGElement> | SVGSVGElement;
  children: ReactNode;
}

export function ChartFrame(props: FrameProps) {
  const { title, table } = props;
  const [asTable, setAsTable] = useState(false);
  const area = useRef<HTMLDivElement>(null);
  const name =
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'chart';

  const drawn = async () => {
    if (!props.svg) return area.current && appears<SVGSVGElement>(area.current, 'svg');
    const svg = await props.svg();
    svg.style.position = 'absolute';
    svg.style.left = '-9999px';
    area.current?.append(svg); // styles are only known in the document
    return svg;
  };
  const saved = async (kind: 'svg' | 'png') => {
    const svg = await drawn();
    if (!svg) return;
    const text = standalone(svg);
    const box = svg.getBoundingClientRect();
    if (props.svg) svg.remove();
    if (kind === 'svg') save(`${name}.svg`, text, 'image/svg+xml');
    else
      save(
        `${name}.png`,
        await pngOf(text, box.width, box.height, getComputedStyle(document.body).getPropertyValue('--card') || '#fff'),
      );
  };
  const picture = async (kind: 'svg' | 'png') => {
    const shown = asTable && !props.svg; // a figure is drawn anew before it can be saved
    if (shown) setAsTable(false);
    try {
      await saved(kind);
    } finally {
      if (shown) setAsTable(true);
    }
  };

  return (
    <section className="card" aria-label={title}>
      <div className="card-head">
        <h2>{title}</h2>
        <div className="row">
          {props.actions}
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <UnstyledButton aria-label={`${title}: table and downloads`} className="dim" style={{ padding: '0 6px' }}>
                ⋯
              </UnstyledButton>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setAsTable(!asTable)}>
                {asTable ? 'Show the chart' : 'Show as a table'}
              </Menu.Item>
              <Menu.Item onClick={() => picture('svg')}>Download SVG</Menu.Item>
              <Menu.Item onClick={() => picture('png')}>Download PNG</Menu.Item>
              <Menu.Item onClick={() => save(`${name}.csv`, csvOf(table), 'text/csv')}>Download CSV</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      </div>
      {/* biome-ignore lint/a11y/useAriaPropsSupportedByRole: both roles take a name */}
      <div
        ref={area}
        role={asTable ? 'group' : 'img'}
        aria-label={asTable ? title : (props.summary ?? `${title}. The table behind it is in the menu.`)}
      >
        {asTable ? <TableOf of={table} label={title} /> : props.children}
      </div>
      {props.note && <div className="chart-note">{props.note}</div>}
    </section>
  );
}
