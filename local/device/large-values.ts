import type { Outgoing, ResultItem } from './syncml-writer.ts';

/**
 * Cuts answers into the messages in which they go (OMA-DM Protocol, large objects): each piece of a value but the last has
 * MoreData and ends its message; the first says how many bytes the whole has.
 */
export function inMessages(answers: Outgoing[], pieceCharacters = Number.POSITIVE_INFINITY): Outgoing[][] {
  const messages: Outgoing[][] = [[]];
  for (const answer of answers) {
    const parts = answer.kind === 'Results' ? answer.items.flatMap((item) => pieces(item, pieceCharacters)) : [];
    if (answer.kind !== 'Results' || parts.length === answer.items.length) {
      messages.at(-1)?.push(answer);
      continue;
    }
    for (const item of parts) {
      messages.at(-1)?.push({ ...answer, items: [item] });
      if (item.moreData) messages.push([]);
    }
  }
  return messages;
}

function pieces(item: ResultItem, characters: number): ResultItem[] {
  if (item.data.length <= characters) return [item];
  const cut: ResultItem[] = [];
  // Whole characters: half a surrogate pair cannot be written.
  const points = [...item.data];
  for (let start = 0; start < points.length; start += characters) {
    const data = points.slice(start, start + characters).join('');
    cut.push({ ...item, data, moreData: start + characters < points.length });
  }
  return cut.map((piece, index) => (index === 0 ? { ...piece, size: Buffer.byteLength(item.data) } : piece));
}
