// Mounts the page as an application does while one develops: in StrictMode.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.jsx';

// What the page has heard, however often its modules are replaced.
globalThis.heard = [];
const place = document.createElement('main');
document.body.append(place);
createRoot(place).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
