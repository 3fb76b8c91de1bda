// Line icons of the navigation, drawn here: twelve paths need no package.
const PATHS: Record<string, string> = {
  home: 'M3 11.5 12 4l9 7.5M5.5 10v9.5h13V10',
  runs: 'M4 19V5M4 19h16M7.5 15l3.5-5 3 3 5-7',
  models: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9',
  data: 'M4 6c0-3.5 16-3.5 16 0s-16 3.5-16 0zM4 6v12c0 3.5 16 3.5 16 0V6M4 12c0 3.5 16 3.5 16 0',
  pipeline: 'M4 6h5v4H4zM15 6h5v4h-5zM9.500 15h5v4h-5zM9 8h6M17.500 10v3.500L14 15.500M6.500 10v3.500l3.500 2',
  deployments: 'M12 20V9M12 9l-4 4M12 9l4 4M5 5h14',
  monitoring: 'M3 12h4l2.500-6 4.500 12 2.500-6H21',
  alerts: 'M6 16V11a6 6 0 0 1 12 0v5l1.500 2h-15zM10 20.500h4',
  lineage:
    'M6 6.500a2 2 0 1 0 0-.1M18 6.500a2 2 0 1 0 0-.1M12 18.500a2 2 0 1 0 0-.1M6.500 8l4.500 8M17.500 8L13 16M8 6.500h8',
  reviews: 'M4 5h16v11H9l-5 4zM8 9h8M8 12h5',
  impact: 'M12 3v18M16.500 7c-1-2-8-2.500-8 1.500s8 2.500 8 6.500-7.500 3.500-9 1',
  audit: 'M6 3h9l4 4v14H6zM14 3v5h5M9.500 13l2 2 4-4',
  settings:
    'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.600 5.600l2.100 2.100M16.300 16.300l2.100 2.100M5.600 18.400l2.100-2.100M16.300 7.700l2.100-2.100',
  search: 'M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500L21 21',
  theme: 'M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16',
};

export function Icon({ name }: { name: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width="18"
      height="18"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
