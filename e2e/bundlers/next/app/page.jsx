'use client';
import { useEffect, useState } from 'react';
import { run } from '../../app/app.js';

export default function Page() {
  const [outcome, setOutcome] = useState();
  useEffect(() => {
    run().then(setOutcome, (error) => setOutcome({ error: String(error) }));
  }, []);
  return <output>{outcome && JSON.stringify(outcome)}</output>;
}
