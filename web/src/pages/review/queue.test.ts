import { describe, expect, it } from 'vitest';
import { afterAnswer, headline, neighbour, oldestFirst, pageKey } from './queue';

const queue = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];

describe('the queue', () => {
  it('stands oldest first', () => {
    const at = (id: string, opened_at: string) => ({ id, opened_at }) as never;
    expect(
      oldestFirst([at('b', '2013-02-01T00:00:00Z'), at('a', '2013-01-01T00:00:00Z')]).map((each) => each.id),
    ).toEqual(['a', 'b']);
  });
  it('moves on and ends at its ends', () => {
    expect(neighbour(queue, 'a', 1)).toBe('b');
    expect(neighbour(queue, 'a', -1)).toBeNull();
    expect(neighbour(queue, 'x', 1)).toBe('a');
    expect(neighbour([], 'x', 1)).toBeNull();
  });
  it('opens the following one after an answer, or the one before at the end', () => {
    expect(afterAnswer(queue, 'b')).toBe('c');
    expect(afterAnswer(queue, 'c')).toBe('b');
    expect(afterAnswer([{ id: 'a' }], 'a')).toBeNull();
  });
});

describe('headline', () => {
  it('is the first sentence', () => {
    expect(headline('late: no cause is known. nothing broke in July; all is well')).toEqual([
      'late: no cause is known',
      'nothing broke in July; all is well',
    ]);
    expect(headline('weather@10 broke')).toEqual(['weather@10 broke', '']);
  });
});

describe('pageKey', () => {
  it('leaves keys to who is typing', () => {
    const field = document.createElement('textarea');
    document.body.append(field);
    const typed: (string | null)[] = [];
    const note = (event: KeyboardEvent) => typed.push(pageKey(event));
    window.addEventListener('keydown', note);
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', ctrlKey: true, bubbles: true }));
    window.removeEventListener('keydown', note);
    expect(typed).toEqual([null, 'j', null]);
  });
});
