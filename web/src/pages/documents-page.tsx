import { DocumentList } from '../documents/document-list.tsx';

export const PlansPage = () => <DocumentList kind="plans" />;
export const SourcesPage = () => <DocumentList kind="sources" />;
export const DestinationsPage = () => <DocumentList kind="destinations" />;
