import { Link } from '@tanstack/react-router';

export function Mark({ size }: { readonly size: number }) {
  return <img src="/admin/icon.svg" alt="" width={size} height={size} />;
}

export function Brand() {
  return (
    <Link to="/" className="brand">
      <Mark size={26} />
      Holdfast
    </Link>
  );
}
