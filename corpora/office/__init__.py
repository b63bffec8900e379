"""Office documents (HWP, HWPX, DOCX, PDF) to text, in a process of their own."""
