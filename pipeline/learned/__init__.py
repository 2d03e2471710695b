"""Adapters learned from detections beside the truth: each joint as a combination of the detector's joints."""
