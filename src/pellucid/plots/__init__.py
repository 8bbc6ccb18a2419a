"""Pictures of plain numbers: one file a picture, each a figure of matplotlib that no window is needed for.

matplotlib is imported where a picture is drawn and nowhere else; nothing here touches pyplot.
"""
