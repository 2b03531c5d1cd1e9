// A component that a developer edits: it uses the hook of packages/client/examples/react.tsx, which lies beside it as todos.tsx.
import { useEffect, useState } from 'react';
import { Standing, useTodos } from './todos.tsx';

const options = { name: 'hot' };

export function App() {
  const runtime = useTodos(options);
  const [title, setTitle] = useState('');
  useEffect(() => runtime?.on('todo.added', ({ data }) => void heard.push(`live ${data.title}`)), [runtime]);
  useEffect(
    () => runtime?.handle('todo.added', 'keep', ({ data }) => void heard.push(`durable ${data.title}`)),
    [runtime],
  );
  if (runtime === undefined) return 'opening';
  return (
    <>
      <h1>the first version</h1>
      <input value={title} onChange={({ target }) => setTitle(target.value)} />
      <button onClick={() => void runtime.publish('todo.added', { title })}>Add</button>
      <Standing runtime={runtime} />
    </>
  );
}
