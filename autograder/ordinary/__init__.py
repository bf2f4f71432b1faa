"""Ordinary nbgrader assignments: test cells of plain assertions, judged by nbgrader's own rule."""
