import { MantineProvider } from '@mantine/core';
import '@/app/mantine';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { client } from '@/api/queries';
import { nonce } from '@/app/nonce';
import { router } from '@/app/router';
import { meet } from '@/app/shell';
import { theme } from '@/app/theme';
import '@/app/app.css';

// MLflow's client prints addresses like /#/experiments/1/runs/ID: they lead to the same run here.
const run = /^#\/experiments\/(\d+)(?:\/runs\/([0-9a-f]{32}))?/.exec(location.hash);
if (run) history.replaceState(null, '', run[2] ? `/ui/runs/${run[2]}` : `/ui/runs?experiment=${run[1]}`);

setNonce(nonce());

// Who is there, the page's script and its first rows were asked for already and are mostly there by now: then the first
// picture is the page. What takes longer is waited for in sight.
const LATEST_MS = 600;
await Promise.race([Promise.all([meet(), router.load()]), new Promise((resolve) => setTimeout(resolve, LATEST_MS))]);

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={nonce}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
