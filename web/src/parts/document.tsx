// A document that the server wrote, as elements: no HTML is ever taken from it.
import { createElement, useMemo } from 'react';
import { type Block, blocks, type Inline } from './markdown';

const Text = ({ of }: { of: Inline[] }) =>
  of.map((part, index) =>
    part.kind === 'code' ? (
      <code key={index}>{part.text}</code>
    ) : part.kind === 'bold' ? (
      <strong key={index}>{part.text}</strong>
    ) : (
      part.text
    ),
  );

function One({ block, shift, index: place }: { block: Block; shift: number; index: number }) {
  switch (block.kind) {
    case 'heading':
      return createElement(`h${Math.min(6, block.level + shift)}`, {}, <Text of={block.text} />);
    case 'paragraph':
      return (
        <p>
          <Text of={block.text} />
        </p>
      );
    case 'code':
      return <pre>{block.text}</pre>;
    case 'list':
      return createElement(
        block.ordered ? 'ol' : 'ul',
        {},
        block.items.map((item, index) => (
          <li key={index}>
            <Text of={item} />
          </li>
        )),
      );
    default:
      return (
        <div className="scroll-x" tabIndex={0} role="region" aria-label={`Table ${place + 1}`}>
          <table className="plain">
            <thead>
              <tr>
                {block.head.map((cell, index) =>
                  cell.length === 0 ? (
                    <td key={index} />
                  ) : (
                    <th key={index} scope="col">
                      <Text of={cell} />
                    </th>
                  ),
                )}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, index) => (
                <tr key={index}>
                  {row.map((cell, at) => (
                    <td key={at}>
                      <Text of={cell} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
  }
}

/** `shift`: how many levels its headings stand below those of the text itself. */
export function Document({ text, shift = 1 }: { text: string; shift?: number }) {
  const read = useMemo(() => blocks(text), [text]);
  return (
    <div className="document">
      {read.map((block, index) => (
        <One key={index} block={block} shift={shift} index={index} />
      ))}
    </div>
  );
}
